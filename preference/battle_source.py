"""Where battles are from: a name, and raw rows that are yet to be read."""

from collections.abc import Iterable
from dataclasses import dataclass

from preference.battle_rows import RawRow
from preference.downloaded_file import DownloadedFile

NumberedRows = Iterable[tuple[int, RawRow]]


@dataclass(frozen=True)
class BattleSource:
    """Raw rows with their line numbers.

    `extra` battles are for train alone, and get ids of their own. `download` is the file that the
    rows are read from, where it was downloaded for that.
    """

    name: str
    rows: NumberedRows
    extra: bool = False
    download: DownloadedFile | None = None
