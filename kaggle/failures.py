"""What to do where Kaggle's file cannot be had."""

from http import HTTPStatus

from kagglehub.exceptions import DataCorruptionError, UnauthenticatedError
from requests import HTTPError, RequestException

COMPETITION = "lmsys-chatbot-arena"
# ValueError is for a kaggle.json that cannot be read, OSError for the disk.
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
    "Check the connection, and the proxy where one is set. Run again, and the download continues "
    "where it stopped."
)
DAMAGED = "What came was damaged and has been deleted: run again."
DISK_FAULT = "Make room there, or let KAGGLEHUB_CACHE name a folder that can be written to."
OTHER_WAY = "Or download the competition's zip file in a browser, and let data.source be its path."


def describe_failure(error: Exception) -> str:
    """Say what failed and what to do about it.

    Args:
        error: one of `FAILURES`.
    """
    what, advice = _explain(error)
    return f"train.csv of {COMPETITION} cannot be downloaded: {what}. {advice} {OTHER_WAY}"


def _explain(error: Exception) -> tuple[str, str]:
    if isinstance(error, UnauthenticatedError):
        return "no Kaggle account is known", LOG_IN
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
