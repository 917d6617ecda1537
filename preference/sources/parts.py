"""The files of a folder of battles, as people and hubs leave one."""

from collections.abc import Sequence
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.sources.containers import member_to_read

IGNORED_PREFIXES = (".", "_")
# What a hub's repository of a data set has beside its files.
DOCUMENTATION = ("readme.md", "license", "license.txt", "license.md", "dataset_infos.json")
HUB_DATA = "data"
# The files of a Kaggle competition, of which one is read.
SUBMISSION = "sample_submission"
COMPETITION = frozenset((SUBMISSION, *map(member_to_read, (True, False))))


def list_parts(source: Path, labelled: bool = True, named_by: str = "params.yaml") -> list[Path]:
    """Return the files of a folder in the order of their names, or the one file that is named.

    Where a folder has no files but a folder `data`, as a data set of the hub has, they are its
    files. Documentation is left out, and of a Kaggle competition all but the one file to read.

    Args:
        source: the folder or file.
        labelled: whether labels are needed.
        named_by: where the user gave its path, for errors.

    Raises:
        BadInput: the folder has no files.
    """
    if not source.is_dir():
        return [source]
    parts = _list_visible(source)
    if [path.name for path in parts] == [HUB_DATA] and parts[0].is_dir():
        parts = _list_visible(parts[0])
    if not parts:
        raise BadInput(f"{source} has no files. Put battles into it, or correct {named_by}.")
    return _parts_of_competition(parts, member_to_read(labelled)) or parts


def _parts_of_competition(parts: Sequence[Path], member: str) -> list[Path]:
    """Return the file to read where all files are those of a competition, beside its zip or not."""
    unpacked = [path for path in parts if path.suffix.lower() != ".zip"]
    stems = [path.name.lower().split(".")[0] for path in unpacked]
    is_competition = COMPETITION.issuperset(stems) and SUBMISSION in stems
    found = [path for path, stem in zip(unpacked, stems, strict=True) if stem == member]
    return found if is_competition and len(found) == 1 else []


def _list_visible(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(IGNORED_PREFIXES) and path.name.lower() not in DOCUMENTATION
    )
