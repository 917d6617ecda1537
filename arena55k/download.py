"""Download the pinned file into the hub's cache on this machine, or find it there.

Guarantees
1. A file that is in the cache is read without a request.
2. An interrupted download resumes where it stopped, in the same run and in the next one.
3. The returned file has the pinned size and hash.

`hf_hub_download` deletes an incomplete file when it fails (huggingface_hub#4196). So the function
that it calls, `http_get`, downloads the file here, into the cache's folder for assets.
"""

import os
from pathlib import Path

from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import WeakFileLock, build_hf_headers
from tqdm import tqdm

from arena55k.failures import FAILURES, describe_failure
from arena55k.pin import Pin, check_pin, read_pin
from preference.runtime.errors import BadInput
from preference.sources.source import DownloadedFile, identify_file


def download_battles() -> DownloadedFile:
    """Return the pinned file. If it is not in the cache, it is downloaded with a progress bar.

    huggingface_hub's variables are honoured: HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN.

    Raises:
        BadInput: the file cannot be downloaded, or is not the pinned one.
    """
    pin = read_pin()
    try:
        path = _find_in_hub_cache(pin) or _download(pin)
    except FAILURES as error:
        raise BadInput(describe_failure(error, pin)) from error
    file = identify_file(path, pin.revision)
    check_pin(file, pin)
    return file


def is_downloaded(pin: Pin) -> bool:
    """Return whether the file is in the cache, without a request."""
    return _find_in_hub_cache(pin) is not None or _asset_path(pin).exists()


def _find_in_hub_cache(pin: Pin) -> Path | None:
    """Return the file if `hf download`, for instance, has put it into the cache."""
    found = try_to_load_from_cache(
        pin.repository, pin.file, revision=pin.revision, repo_type="dataset"
    )
    return Path(found) if isinstance(found, str) else None


def _asset_path(pin: Pin) -> Path:
    """Return the same path as `cached_assets_path`, which would also make the folder."""
    folder = Path(constants.HF_ASSETS_CACHE, "arena55k", pin.repository.replace("/", "--"))
    return folder / pin.revision / Path(pin.file).name


def _download(pin: Pin) -> Path:
    path = _asset_path(pin)
    path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(path.with_name("lock")):
        if not path.exists():
            partial = path.with_name(f"{path.name}.partial")
            _resume_download(partial, pin)
            os.replace(partial, path)
    return path


def _resume_download(partial: Path, pin: Pin) -> None:
    url = hf_hub_url(pin.repository, pin.file, revision=pin.revision, repo_type="dataset")
    # A compressed response could not be resumed.
    headers = build_hf_headers(headers={"Accept-Encoding": "identity"})
    with partial.open("ab") as stream:
        if stream.tell() == pin.size:
            return
        http_get(
            url,
            stream,
            resume_size=stream.tell(),
            headers=headers,
            displayed_filename=pin.file,
            tqdm_class=tqdm,
        )
