"""The rows of a file that one of several workers predicts.

Guarantees
1. Each block of `BATTLES_A_BATCH` rows belongs to exactly one of the shards, and the blocks are
   dealt in turn, so that no worker has to know the number of rows before it begins.
2. A block is what an unsharded prediction computes at once. Its padding, and with it the last digit
   of a probability, therefore does not depend on the number of shards.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from preference.runtime.errors import BadInput

FORM = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")
# What `FORM` allows.
MOST_SHARDS = 999_999


@dataclass(frozen=True)
class Shard:
    """The shard `number` of `count`, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read a text such as `2/8`.

        Raises:
            BadInput: it has another form, or the number is larger than the count.
        """
        found = FORM.fullmatch(text)
        if not found or int(found[1]) > int(found[2]):
            raise BadInput(
                f"--shard {text}: this is no shard. Give its number and the number of shards, "
                "from 1/8 to 8/8 for eight workers."
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, block: int) -> bool:
        """Return whether a block, counted from 0, belongs to the shard."""
        return block % self.count == self.number - 1

    def path_beside(self, output: Path) -> Path:
        """Return the file of the shard, where `output` is that of all rows."""
        return output.with_name(f"{output.stem}-shard-{self.number}-of-{self.count}.parquet")


WHOLE = Shard(1, 1)
