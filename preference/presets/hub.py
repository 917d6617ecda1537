"""Presets in repositories of the Hugging Face Hub: `hf://organization/name`, downloaded once.

huggingface_hub's variables are honoured: HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE.
"""

from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from preference.runtime.errors import BadInput

SCHEME = "hf://"
# Many repositories hold the same weights once for each library. These files are in Hugging Face's
# format and in keras-hub's own.
WEIGHTS = ("model.safetensors", "model-*.safetensors", "model.weights.h5")
NEEDED = (*WEIGHTS, "*.json", "*.model", "vocab.txt", "merges.txt", "assets/*")

NOT_REACHED = (
    "it is not in the cache as a whole, and the hub cannot be reached. Connect once, unset "
    "HF_HUB_OFFLINE if it is set, or name a folder on this machine"
)
NOT_ALLOWED = (
    "the hub refuses it. Check the name; if the repository is private or gated, accept its terms "
    "on its page, and set HF_TOKEN to a token that may read it"
)
ADVICE = {
    401: NOT_ALLOWED,
    403: NOT_ALLOWED,
    404: "the hub has no such repository. Check the name",
    429: (
        "the hub asks for fewer requests. Wait some minutes, set HF_TOKEN, or, where it was "
        "downloaded before, set HF_HUB_OFFLINE=1"
    ),
}
NO_ANSWER = "the hub answers with an error. Try again later, or name a folder on this machine"


def download_preset(handle: str) -> Path:
    """Return the cached folder with a repository's configuration, tokenizer and weights.

    Weights are downloaded as safetensors or in keras-hub's format, and in no other. Files in the
    cache are not downloaded again.

    Args:
        handle: `hf://organization/name`.

    Raises:
        BadInput: the repository cannot be read; the message says what to do.
    """
    repository = handle.removeprefix(SCHEME)
    try:
        return Path(snapshot_download(repository, allow_patterns=list(NEEDED)))
    except HFValidationError as error:
        raise BadInput(f"{handle!r} is not of the form hf://organization/name.") from error
    except (HTTPError, LocalEntryNotFoundError) as error:
        raise BadInput(f"{_advice(error)} ({type(error).__name__}).") from error


def _advice(error: Exception) -> str:
    # Where the hub refuses, the cache is searched; the refusal is the cause of the second error.
    for each in (error, error.__cause__):
        if isinstance(each, HfHubHTTPError):
            return ADVICE.get(each.response.status_code, NO_ANSWER)
    return NOT_REACHED
