"""Exchange the names of two folders in one step, if the system supports it."""

import ctypes
import os
import sys
from pathlib import Path

# Arguments of renameat2 on Linux. AT_FDCWD means that paths are relative to the working folder.
AT_FDCWD, RENAME_EXCHANGE = -100, 2
# A flag of renamex_np on macOS.
RENAME_SWAP = 2


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two files or folders, so that both names exist at every moment.

    Returns:
        Whether the system could do it. If not (as on network file systems), nothing has changed.
    """
    libc = ctypes.CDLL(None)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        return libc.renamex_np(first, second, RENAME_SWAP) == 0
    if not hasattr(libc, "renameat2"):
        return False
    return libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0
