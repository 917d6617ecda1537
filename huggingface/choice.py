"""Choose the files of a config and a split of a data set.

Where its card lists configs, these decide, as in the library `datasets`. Otherwise a config is a
folder, and a split is a part of the name of a file or of its folder.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface.listing import Listing
from huggingface.name import EVERY_SPLIT, NAMED_BY, DatasetName
from preference.runtime.errors import BadInput
from preference.sources.parts import DOCUMENTATION
from preference.sources.readers import is_readable

DEFAULT = "default"
# The usual names of splits, as in `train-00000-of-00002.parquet` or `test/0.jsonl`.
SPLITS = ("train", "validation", "valid", "dev", "test")


def choose_files(name: DatasetName, listing: Listing) -> list[str]:
    """Return the paths of the files to read, in their order.

    Raises:
        BadInput: there are none, or more than one config or split, of which none is named.
    """
    paths = sorted(path for path in listing.sizes if _is_data(path))
    if not paths:
        others = ", ".join(sorted(listing.sizes)[:5])
        raise BadInput(
            f"{name.repository} has no Parquet, JSON or CSV files ({others}). A data set that is "
            "made by code of its own is not read: name another revision, such as "
            f"@refs%2Fconvert%2Fparquet, in {NAMED_BY}."
        )
    by_split = _splits_of_card(name, listing.configs, paths)
    if by_split is None:
        by_split = _splits_by_name(_in_folder(name, paths))
    return _choose_split(name, by_split)


def _is_data(path: str) -> bool:
    file = Path(path)
    is_visible = not any(part.startswith(".") for part in file.parts)
    return is_readable(file) and is_visible and file.name.lower() not in DOCUMENTATION


def _splits_of_card(
    name: DatasetName, configs: Sequence[Mapping[str, Any]], paths: Sequence[str]
) -> dict[str, list[str]] | None:
    """Return the files of each split of the config; None where the card lists no config's files."""
    known = {str(one.get("config_name", DEFAULT)): one for one in configs if "data_files" in one}
    if not known:
        return None
    chosen = name.config or (next(iter(known)) if len(known) == 1 else DEFAULT)
    if chosen not in known:
        raise _unknown("config", name.config, known, name)
    return {
        split: [path for path in paths if any(fnmatch(path, one) for one in patterns)]
        for split, patterns in _patterns(known[chosen]["data_files"]).items()
    }


def _patterns(data_files: object) -> dict[str, list[str]]:
    """Return the patterns of each split: a card has a text, a list, or a list with splits."""
    if not isinstance(data_files, list):
        return {"train": [str(data_files)]}
    found: dict[str, list[str]] = {}
    for one in data_files:
        split, path = (
            (one.get("split", "train"), one.get("path"))
            if isinstance(one, dict)
            else (
                "train",
                one,
            )
        )
        found.setdefault(str(split), []).extend(
            map(str, path if isinstance(path, list) else [path])
        )
    return found


def _in_folder(name: DatasetName, paths: Sequence[str]) -> list[str]:
    if name.config is None:
        return list(paths)
    inside = [path for path in paths if f"/{name.config}/" in f"/{path}"]
    if not inside:
        folders = sorted({path.rsplit("/", 1)[0] for path in paths if "/" in path})
        raise _unknown("config", name.config, folders, name)
    return inside


def _splits_by_name(paths: Sequence[str]) -> dict[str, list[str]]:
    by_split: dict[str, list[str]] = {}
    for path in paths:
        words = re.split(r"[^a-z]+", path.lower())
        split = next((one for one in SPLITS if one in words), "train")
        by_split.setdefault(split, []).append(path)
    return by_split


def _choose_split(name: DatasetName, by_split: Mapping[str, list[str]]) -> list[str]:
    by_split = {split: paths for split, paths in by_split.items() if paths}
    if name.split == EVERY_SPLIT:
        return sorted({path for paths in by_split.values() for path in paths})
    chosen = name.split or (next(iter(by_split)) if len(by_split) == 1 else None)
    if chosen not in by_split:
        raise _unknown("split", name.split, [*by_split, EVERY_SPLIT], name)
    return by_split[chosen]


def _unknown(
    what: str, asked: str | None, known: Mapping[str, Any] | Sequence[str], name: DatasetName
) -> BadInput:
    problem = f"has no {what} {asked}" if asked else f"has several {what}s, and none is named"
    mark = "/" if what == "config" else ":"
    return BadInput(
        f"{name.repository} {problem}. Add one of {', '.join(mark + one for one in known)} to "
        f"{NAMED_BY}."
    )
