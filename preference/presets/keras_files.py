"""The files of presets in keras-hub's format: a folder, or a model of Kaggle.

Each preset has JSON files that describe objects of Keras, as a bundle does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kagglehub
import keras_nlp

from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import read_json

OBJECT_KEYS = ("module", "class_name", "config", "registered_name")
KAGGLE = "kaggle://"


def preset_file(source: str, name: str) -> Path:
    """Return the path of a preset's file; from Kaggle it is downloaded once.

    Args:
        source: a folder, a registered name, or `kaggle://owner/model/keras/variation`.
        name: of the file in the folder.

    Raises:
        BadInput: the source is none of these.
    """
    registered = keras_nlp.models.Backbone.presets.get(source, {})
    handle = registered.get("kaggle_handle", source)
    if handle.startswith(KAGGLE):
        return Path(kagglehub.model_download(handle.removeprefix(KAGGLE), name))
    if "://" in source:
        raise BadInput("only kaggle:// and hf:// can be downloaded")
    return Path(source, name)


@contextmanager
def advising_to_download() -> Iterator[None]:
    """Say what to do where a preset cannot be used.

    Raises:
        BadInput: the block raised it; the message has the advice, too.
    """
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{error}. Download the preset again, or use another one.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read what describes an object, without what older versions of keras-hub noted beside it.

    Raises:
        BadInput: the file cannot be read, or describes no object of Keras.
    """
    config = read_json(path)
    if not isinstance(config.get("config"), dict):
        raise BadInput(f"{path.name} describes no object of Keras")
    return {key: config[key] for key in OBJECT_KEYS if key in config}
