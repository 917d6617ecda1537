"""Where battles are from: a name, and raw rows that are yet to be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from preference.runtime.provenance import hash_file
from preference.sources.row_parser import RawRow


@dataclass(frozen=True)
class DownloadedFile:
    """Where the file lies, its size in bytes, its hash, and the revision that it is of, if any."""

    path: Path
    size: int
    sha256: str
    revision: str | None = None


def identify_file(path: Path, revision: str | None = None) -> DownloadedFile:
    """Return the file with its size and hash. Memory does not grow with the file."""
    return DownloadedFile(path, path.stat().st_size, hash_file(path), revision)


NumberedRows = Iterable[tuple[int, RawRow]]


@dataclass(frozen=True)
class BattleSource:
    """Raw rows with their line numbers.

    `parts` are read one after the other, and have the names of their files; a source that is not a
    folder has one, of its own name. `extra` battles are for train alone, and get ids of their own.
    `download` is the file that the rows are read from, where it was downloaded for that.
    """

    name: str
    parts: Mapping[str, NumberedRows]
    extra: bool = False
    download: DownloadedFile | None = None
