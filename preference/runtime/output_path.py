"""Check the path of an output that the user has named, before the work begins."""

import os
from pathlib import Path

from preference.runtime.atomic_write import check_can_write
from preference.runtime.errors import BadInput


def check_output_file(path: Path, replaces_link: bool = False) -> None:
    """Check that a file can be written there. What the path has so far is left as it is.

    Args:
        path: of the output.
        replaces_link: a link may have the name, as that of a DVC stage's output into DVC's cache.

    Raises:
        BadInput: it is a folder, or something that no file may take the place of in silence.
        OSError: no file can be made there.
    """
    if path.is_symlink() and not replaces_link:
        raise BadInput(
            f"{path} is a link to {os.readlink(path)}. Give the name of the file itself, or remove "
            "the link."
        )
    if path.is_dir():
        raise BadInput(f"{path} is a folder. Give the name of a file.")
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is a device, a pipe or a socket. Give the name of a file.")
    check_can_write(path)
