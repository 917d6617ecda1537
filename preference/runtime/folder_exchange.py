"""Exchange two folders in one step, where the system can."""

import ctypes
import os
import sys
from pathlib import Path

# Of Linux: "relative to the working folder", and the flag of renameat2.
AT_FDCWD, RENAME_EXCHANGE = -100, 2
# Of macOS: the flag of renamex_np.
RENAME_SWAP = 2


def exchange(one: Path, other: Path) -> bool:
    """Give each of two files or folders the name of the other; say whether that was possible.

    No moment exists at which one of the names is missing. Network file systems, among others,
    cannot do it; nothing has changed then.
    """
    libc = ctypes.CDLL(None)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        return libc.renamex_np(first, second, RENAME_SWAP) == 0
    if not hasattr(libc, "renameat2"):
        return False
    return libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0
