"""The files of a data set at one commit, as the hub lists them, kept in the hub's cache."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OfflineModeIsEnabled
from pydantic import Field

from huggingface.name import DatasetName
from preference.config.validation import checked
from preference.runtime.atomic_write import write_text
from preference.runtime.strict_json import read_checked, to_json
from preference.sources.hub_files import HubFile

COMMIT = re.compile("[0-9a-f]{40}")
STAGE = "fetch"
LATEST = "main"


@checked
class Listing:
    """The files of a data set at `commit`.

    Attributes:
        commit: 40 hexadecimal digits.
        sizes: the size of each file in bytes, by its path.
        configs: what the data set's card says of its configs, as the hub parses it.
    """

    commit: Annotated[str, Field(pattern=f"^{COMMIT.pattern}$")]
    sizes: dict[str, int]
    configs: list[dict[str, Any]]

    def __post_init__(self) -> None:
        for path in self.sizes:
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"{path} is outside of the data set")


def list_dataset(name: DatasetName) -> Listing:
    """Return the files of a data set, without a request where its commit is known.

    Offline, a branch or tag, or none, is the commit that it was when the hub was last asked.

    Raises:
        HTTPError, InvalidURL, OSError: the hub cannot be asked.
    """
    revision = name.revision or LATEST
    known = _find_listing(name.repository, revision, constants.HF_HUB_OFFLINE)
    if known is not None:
        return known
    if constants.HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled("offline mode is on")
    info = HfApi().dataset_info(name.repository, revision=revision, files_metadata=True)
    card = info.card_data.to_dict() if info.card_data else {}
    listing = Listing(
        commit=str(info.sha),
        sizes={file.rfilename: file.size or 0 for file in info.siblings or []},
        configs=[one for one in card.get("configs") or [] if isinstance(one, dict)],
    )
    folder = dataset_folder(name.repository)
    write_text(to_json(asdict(listing)), folder / listing.commit / "listing.json")
    write_text(listing.commit, _reference(name.repository, revision))
    return listing


def dataset_folder(repository: str) -> Path:
    """Return the folder of a data set in the hub's cache; it need not exist."""
    return Path(constants.HF_ASSETS_CACHE, "huggingface", repository.replace("/", "--"))


def hub_file(repository: str, listing: Listing, path: str) -> tuple[HubFile, Path]:
    """Return a file of a listing, and the path that it has when it is downloaded."""
    file = HubFile(repository, listing.commit, path, listing.sizes[path])
    return file, dataset_folder(repository) / listing.commit / "files" / path


def _find_listing(repository: str, revision: str, offline: bool) -> Listing | None:
    reference = _reference(repository, revision)
    commit = revision if COMMIT.fullmatch(revision) else None
    if commit is None and offline and reference.exists():
        commit = reference.read_text()
    if commit is None:
        return None
    path = dataset_folder(repository) / commit / "listing.json"
    return read_checked(Listing, path, STAGE) if path.exists() else None


def _reference(repository: str, revision: str) -> Path:
    return dataset_folder(repository) / "refs" / revision.replace("/", "--")
