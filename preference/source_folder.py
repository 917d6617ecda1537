"""The files of a folder that together are one source.

Guarantees
1. They come in the order of their names, compared character by character.
2. No file is passed over in silence: one that cannot be read is an error. Only names that begin
   with a dot or an underscore are left out, as everywhere where folders hold one table.
"""

from pathlib import Path

from preference.errors import BadInput

IGNORED_PREFIXES = (".", "_")


def list_parts(folder: Path) -> list[Path]:
    """Return the files of the folder, at least one.

    Raises:
        BadInput: it has none.
    """
    parts = sorted(path for path in folder.iterdir() if not path.name.startswith(IGNORED_PREFIXES))
    if not parts:
        raise BadInput(f"{folder} has no files. Put battles into it, or correct params.yaml.")
    return parts
