"""Check the path of an output that the user has named, before the work begins."""

import os
from pathlib import Path

from preference.runtime.atomic_write import check_can_write
from preference.runtime.errors import BadInput


def check_output_file(path: Path, replaces_link: bool = False) -> None:
    """Check that an output file can be written. A file that exists is not changed.

    Args:
        path: the output.
        replaces_link: whether the path may be a link, as DVC's outputs may be links to its cache.

    Raises:
        BadInput: the path is a folder, a device, a pipe, a socket, or a link.
        OSError: the file cannot be written.
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
