"""Download the pinned file into the hub's cache on this machine, or find it there.

The returned file has the pinned size and hash. `preference.sources.hub_files` has the rest.
"""

from pathlib import Path

from huggingface_hub import constants

from arena55k.pin import PIN_NAME, Pin, check_pin, read_pin
from preference.runtime.errors import BadInput
from preference.sources.hub_files import (
    FAILURES,
    HubFile,
    download_hub_file,
    explain_failure,
    find_hub_file,
)
from preference.sources.source import DownloadedFile, identify_file

OTHER_WAY = "Or download the file in another way, and set data.source to its path."


def download_battles() -> DownloadedFile:
    """Return the pinned file. If it is not in the cache, it is downloaded with a progress bar.

    Raises:
        BadInput: the file cannot be downloaded, or is not the pinned one.
    """
    pin = read_pin()
    try:
        path = download_hub_file(_hub_file(pin), _asset_path(pin))
    except FAILURES as error:
        where = f"{pin.file} of {pin.repository} at {constants.ENDPOINT}"
        why = explain_failure(error, "repository, revision and file", PIN_NAME)
        raise BadInput(f"{where} cannot be downloaded: {why} {OTHER_WAY}") from error
    file = identify_file(path, pin.revision)
    check_pin(file, pin)
    return file


def is_downloaded(pin: Pin) -> bool:
    """Return whether the file is in the cache, without a request."""
    return find_hub_file(_hub_file(pin), _asset_path(pin)) is not None


def _hub_file(pin: Pin) -> HubFile:
    return HubFile(pin.repository, pin.revision, pin.file, pin.size)


def _asset_path(pin: Pin) -> Path:
    """Return the same path as `cached_assets_path`, which would also make the folder."""
    folder = Path(constants.HF_ASSETS_CACHE, "arena55k", pin.repository.replace("/", "--"))
    return folder / pin.revision / Path(pin.file).name
