"""Download files of the Hugging Face Hub into its cache on this machine, or find them there.

Guarantees
1. A file that is in the cache is read without a request.
2. An interrupted download resumes where it stopped, in the same run and in the next one.

`hf_hub_download` deletes an incomplete file when it fails (huggingface_hub#4196). So the function
that it calls, `http_get`, downloads the file here, into the cache's folder for assets.

huggingface_hub's variables are honoured: HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN.
"""

import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from httpx2 import HTTPError, InvalidURL
from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import WeakFileLock, build_hf_headers
from tqdm import tqdm

# OSError covers the disk and offline mode.
FAILURES = (HTTPError, InvalidURL, OSError)
HUB_FAULT = "The fault is the hub's: run again later, and the download resumes."
NETWORK_FAULT = (
    "Check the connection, and HF_ENDPOINT and the proxy where they are set. Run again, and the "
    "download resumes where it stopped."
)
OFFLINE = (
    "The file is not in the cache, and HF_HUB_OFFLINE forbids the download. Run once without "
    "HF_HUB_OFFLINE."
)
DISK_FAULT = "Make room there, or set HF_HOME to a folder that can be written to."


@dataclass(frozen=True)
class HubFile:
    """A file of a data set's repository: its revision, its path there and its size in bytes."""

    repository: str
    revision: str
    file: str
    size: int


def find_hub_file(file: HubFile, target: Path) -> Path | None:
    """Return a file that is in the cache, or at `target`, without a request; None if it is not."""
    found = try_to_load_from_cache(
        file.repository, file.file, revision=file.revision, repo_type="dataset"
    )
    if isinstance(found, str):
        # `hf download`, for instance, has put it into the cache.
        return Path(found)
    return target if target.exists() else None


def download_hub_file(file: HubFile, target: Path) -> Path:
    """Return the path of a file, which is downloaded to `target` unless it is in the cache.

    Raises:
        HTTPError, InvalidURL, OSError: it cannot be downloaded.
    """
    found = find_hub_file(file, target)
    if found is not None:
        return found
    target.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(target.with_name("lock")):
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            _resume_download(file, partial)
            os.replace(partial, target)
    return target


def _resume_download(file: HubFile, partial: Path) -> None:
    url = hf_hub_url(file.repository, file.file, revision=file.revision, repo_type="dataset")
    # A compressed response could not be resumed.
    headers = build_hf_headers(headers={"Accept-Encoding": "identity"})
    with partial.open("ab") as stream:
        if stream.tell() == file.size:
            return
        http_get(
            url,
            stream,
            resume_size=stream.tell(),
            headers=headers,
            displayed_filename=file.file,
            tqdm_class=tqdm,
        )


def explain_failure(error: Exception, names: str, named_by: str) -> str:
    """Return what failed and what to do.

    Args:
        error: one of `FAILURES`.
        names: what may be misspelt where the hub finds nothing.
        named_by: where these names stand.
    """
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        reason = f" ({error.server_message})" if error.server_message else ""
        advice = _advice(names, named_by).get(status, HUB_FAULT)
        return f"the hub answered {status}{reason}. {advice}"
    if isinstance(error, OfflineModeIsEnabled):
        return f"offline mode is on. {OFFLINE}"
    if isinstance(error, HTTPError | InvalidURL) or _is_of_wrong_length(error):
        return f"the network failed ({error}). {NETWORK_FAULT}"
    return f"{error}. {DISK_FAULT}"


def _advice(names: str, named_by: str) -> dict[int, str]:
    log_in = (
        "Log in with `hf auth login`, or set HF_TOKEN to a token that may read the repository; "
        f"where its page asks for it, accept its terms there. {named_by} names the repository."
    )
    return {
        HTTPStatus.UNAUTHORIZED: log_in,
        HTTPStatus.FORBIDDEN: log_in,
        HTTPStatus.NOT_FOUND: f"Correct {names} in {named_by}.",
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: (
            "The partial file is longer than the hub's file. Delete the .partial file in "
            f"{constants.HF_ASSETS_CACHE}, and run again."
        ),
        HTTPStatus.TOO_MANY_REQUESTS: (
            "Wait some minutes and run again; with a token (`hf auth login`, or HF_TOKEN) the hub "
            "allows more requests."
        ),
    }


def _is_of_wrong_length(error: Exception) -> bool:
    """Return whether the file is shorter than announced: huggingface_hub raises OSError for it."""
    return isinstance(error, OSError) and error.errno is None
