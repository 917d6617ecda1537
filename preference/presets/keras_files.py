"""The files of presets in keras-hub's format: a folder, or a model on Kaggle.

Like a bundle, a preset has JSON files that describe Keras objects.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kagglehub
import keras_nlp
from kagglehub.exceptions import (
    BackendError,
    CredentialError,
    DataCorruptionError,
    NotFoundError,
    UnauthenticatedError,
)
from requests import RequestException

from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import read_json

OBJECT_KEYS = ("module", "class_name", "config", "registered_name")
KAGGLE = "kaggle://"
# ValueError is raised for a handle of another form, and for a kaggle.json that cannot be read.
DOWNLOAD_ERRORS = (
    BackendError,
    CredentialError,
    DataCorruptionError,
    NotFoundError,
    UnauthenticatedError,
    RequestException,
    ValueError,
)


def preset_file(source: str, name: str) -> Path:
    """Return the path of a preset's file. A file of Kaggle is downloaded once.

    Args:
        source: a folder, a registered name, or `kaggle://owner/model/keras/variation`.
        name: the file's name in the folder.

    Raises:
        BadInput: the source is of another form, or the file cannot be downloaded.
    """
    registered = keras_nlp.models.Backbone.presets.get(source, {})
    handle = registered.get("kaggle_handle", source)
    if handle.startswith(KAGGLE):
        return _download(handle.removeprefix(KAGGLE), name)
    if "://" in source:
        raise BadInput("only kaggle:// and hf:// can be downloaded")
    return Path(source, name)


def _download(handle: str, name: str) -> Path:
    try:
        return Path(kagglehub.model_download(handle, name))
    except DOWNLOAD_ERRORS as error:
        raise BadInput(
            f"{name} of {handle} cannot be downloaded from Kaggle ({type(error).__name__}: "
            f"{error}). Check the name and the network"
        ) from error


@contextmanager
def advising_to_download() -> Iterator[None]:
    """Add advice to the `BadInput` that the block raises.

    Raises:
        BadInput: the same error with the advice.
    """
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{error}. Download the preset again, or use another one.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that describes a Keras object. Keys that only older keras-hub versions wrote go.

    Raises:
        BadInput: the file cannot be read, or does not describe a Keras object.
    """
    config = read_json(path)
    if not isinstance(config.get("config"), dict):
        raise BadInput(f"{path.name} describes no object of Keras")
    return {key: config[key] for key in OBJECT_KEYS if key in config}
