"""Messages for a file of the hub that cannot be downloaded, with advice."""

from http import HTTPStatus

from httpx2 import HTTPError, InvalidURL
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from arena55k.pin import PIN_NAME, Pin

# OSError covers the disk and offline mode.
FAILURES = (HTTPError, InvalidURL, OSError)

LOG_IN = (
    "Log in with `hf auth login`, or set HF_TOKEN to a token that may read the repository; where "
    f"its page asks for it, accept its terms there. {PIN_NAME} names the repository."
)
ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: LOG_IN,
    HTTPStatus.FORBIDDEN: LOG_IN,
    HTTPStatus.NOT_FOUND: f"Correct repository, revision and file in {PIN_NAME}.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: (
        "The partial file is longer than the hub's file. Delete the .partial file in "
        f"{constants.HF_ASSETS_CACHE}/arena55k, and run again."
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "Wait some minutes and run again; with a token (`hf auth login`, or HF_TOKEN) the hub "
        "allows more requests."
    ),
}
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
OTHER_WAY = "Or download the file in another way, and set data.source to its path."


def describe_failure(error: Exception, pin: Pin) -> str:
    """Return a message that says what failed and what to do.

    Args:
        error: one of `FAILURES`.
        pin: the file that was to be downloaded.
    """
    what, advice = _explain(error)
    where = f"{pin.file} of {pin.repository} at {constants.ENDPOINT}"
    return f"{where} cannot be downloaded: {what}. {advice} {OTHER_WAY}"


def _explain(error: Exception) -> tuple[str, str]:
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        reason = f" ({error.server_message})" if error.server_message else ""
        return f"the hub answered {status}{reason}", ADVICE.get(status, HUB_FAULT)
    if isinstance(error, OfflineModeIsEnabled):
        return "offline mode is on", OFFLINE
    if isinstance(error, HTTPError | InvalidURL) or _is_of_wrong_length(error):
        return f"the network failed ({error})", NETWORK_FAULT
    return str(error), DISK_FAULT


def _is_of_wrong_length(error: Exception) -> bool:
    """Return whether the file is shorter than announced: huggingface_hub raises OSError for it."""
    return isinstance(error, OSError) and error.errno is None
