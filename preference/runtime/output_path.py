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


def check_is_not_read(output: Path, *read: Path) -> None:
    """Check that writing an output changes nothing that is read.

    Args:
        output: a file; it need not exist.
        read: files, and folders with all that is in them.

    Raises:
        BadInput: the output is one of the files, or lies in one of the folders.
    """
    for path in read:
        if path.is_dir():
            # Unlike `Path.resolve`, `realpath` does not raise an error on circular links.
            if Path(os.path.realpath(path)) in Path(os.path.realpath(output)).parents:
                raise BadInput(f"{output} is in {path}, which is read. Give a path outside of it.")
        elif output.exists() and path.exists() and output.samefile(path):
            raise BadInput(f"{output} is a file that is read. Give the output another name.")
