"""Messages for a file of Kaggle that cannot be downloaded, with advice."""

from http import HTTPStatus

from kagglehub.exceptions import DataCorruptionError, UnauthenticatedError
from requests import HTTPError, RequestException

COMPETITION = "lmsys-chatbot-arena"
# ValueError is raised for a kaggle.json that cannot be read, OSError for the disk.
FAILURES = (UnauthenticatedError, DataCorruptionError, RequestException, ValueError, OSError)

LOG_IN = (
    "Make a token in the settings of your Kaggle account, and put it into KAGGLE_API_TOKEN or "
    "~/.kaggle/access_token; or user name and key into KAGGLE_USERNAME and KAGGLE_KEY, or "
    "~/.kaggle/kaggle.json."
)
ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: LOG_IN,
    HTTPStatus.FORBIDDEN: (
        f"Accept the rules of the competition {COMPETITION} on its page, with the account whose "
        "token this is."
    ),
    HTTPStatus.NOT_FOUND: "Kaggle may have moved the competition: look for it there.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait some minutes and run again.",
}
KAGGLE_FAULT = "The fault is Kaggle's: run again later."
NETWORK_FAULT = (
    "Check the connection, and the proxy where one is set. Run again, and the download resumes "
    "where it stopped."
)
DAMAGED = "The downloaded file was damaged and has been deleted: run again."
DISK_FAULT = "Make room there, or set KAGGLEHUB_CACHE to a folder that can be written to."
OTHER_WAY = "Or download the competition's zip file in a browser, and set data.source to its path."


def describe_failure(error: Exception) -> str:
    """Return a message that says what failed and what to do.

    Args:
        error: one of `FAILURES`.
    """
    what, advice = _explain(error)
    return f"train.csv of {COMPETITION} cannot be downloaded: {what}. {advice} {OTHER_WAY}"


def _explain(error: Exception) -> tuple[str, str]:
    if isinstance(error, UnauthenticatedError):
        return "there is no Kaggle account", LOG_IN
    if isinstance(error, DataCorruptionError):
        return "the hash is not the one that Kaggle sent", DAMAGED
    if isinstance(error, HTTPError):
        status = error.response.status_code
        return f"Kaggle answered {status}", ADVICE.get(status, KAGGLE_FAULT)
    if isinstance(error, RequestException):
        return f"the network failed ({error})", NETWORK_FAULT
    if isinstance(error, OSError):
        return str(error), DISK_FAULT
    return str(error), LOG_IN
