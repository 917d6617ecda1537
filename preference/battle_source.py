"""Where battles are from: a name, and raw rows that are yet to be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from preference.battle_rows import RawRow
from preference.downloaded_file import DownloadedFile

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
