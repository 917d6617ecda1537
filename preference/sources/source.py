"""Sources of battles: a name, and raw rows that have not been read yet."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preference.runtime.provenance import hash_file
from preference.sources.row_parser import RawRow


@dataclass(frozen=True)
class DownloadedFile:
    """A file with its size in bytes, its hash and, where it has one, its revision."""

    path: Path
    size: int
    sha256: str
    revision: str | None = None


def identify_file(path: Path, revision: str | None = None) -> DownloadedFile:
    """Measure and hash a file. Memory does not grow with its size."""
    return DownloadedFile(path, path.stat().st_size, hash_file(path), revision)


NumberedRows = Iterable[tuple[int, RawRow]]


@dataclass(frozen=True)
class BattleSource:
    """Raw rows with their line numbers.

    Attributes:
        name: the value of `data.source`, or a file in `data.extra`.
        parts: the rows of each file by its name, in the order in which they are read. A battle's
            `source` is the name of its part, which is that of the source if it is not a folder.
        extra: whether the battles are for train alone, with ids of their own.
        unread: for each column that is not read, how many rows have it; complete when all rows are
            read.
        downloads: the downloaded files that the rows are read from, by the names of their parts.
    """

    name: str
    parts: Mapping[str, NumberedRows]
    extra: bool = False
    unread: Counter[str] = field(default_factory=Counter)
    downloads: Mapping[str, DownloadedFile] = field(default_factory=dict)
