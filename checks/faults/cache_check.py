"""Find and delete what is damaged in DVC's cache, so that the next `dvc repro` makes it again.

    make check-cache

DVC writes a file into its cache once, protects it, and from then on takes it for what it was. So a
disk that gives other bytes back is not noticed: the damage is checked out.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from checks.faults.workspace import CACHE, cached_object, outputs_of
from preference.runtime.terminal_text import one_line


def main(folder: Path) -> int:
    """Say what is damaged, delete it and its copies in the workspace, return its number."""
    damaged = list(damaged_objects(folder))
    for name in damaged:
        cached_object(folder, name).unlink()
    # Not before: the list of a folder's files may be what is damaged.
    outputs = list(outputs_of(folder))
    for name in damaged:
        copies = [path for path, known in outputs if known == name]
        for path in copies:
            path.unlink(missing_ok=True)
        of = ", ".join(path.relative_to(folder).as_posix() for path in copies)
        print(one_line(f"Damaged, and deleted: {name}{of and f', with {of}'}."))
    print("Run `dvc repro`, which makes it again." if damaged else "DVC's cache is whole.")
    return len(damaged)


def damaged_objects(folder: Path) -> Iterator[str]:
    """Yield the names of objects whose content is not what the name says."""
    for path in (folder / CACHE / "files/md5").glob("??/*"):
        name = path.parent.name + path.name
        if path.suffix != ".tmp":
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "md5").hexdigest()
            if digest != name.removesuffix(".dir"):
                yield name


if __name__ == "__main__":
    sys.exit(min(main(Path()), 1))
