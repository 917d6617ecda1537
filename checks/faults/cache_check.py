"""Find and delete damaged files in DVC's cache, so that the next `dvc repro` makes them again.

    make check-cache

DVC writes a file into its cache, protects it, and does not check it again. Damage by the disk is
therefore not noticed, and DVC checks the damaged file out.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from checks.faults.workspace import CACHE, cached_object, outputs_of
from preference.runtime.terminal_text import one_line


def main(folder: Path) -> int:
    """Report and delete damaged objects and their copies in the workspace; return their number."""
    damaged = list(damaged_objects(folder))
    for name in damaged:
        cached_object(folder, name).unlink()
    # The list of files of a folder may be damaged too, so that it is read after the deletion.
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
    """Yield the names of objects whose content does not have the hash in the name."""
    for path in (folder / CACHE / "files/md5").glob("??/*"):
        name = path.parent.name + path.name
        if path.suffix != ".tmp":
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "md5").hexdigest()
            if digest != name.removesuffix(".dir"):
                yield name


if __name__ == "__main__":
    sys.exit(min(main(Path()), 1))
