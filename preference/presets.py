"""Presets: which names there are, where they are, and what to say of one that cannot be loaded.

Of a folder or a repository of the hub, keras-hub is given only what `preference.safe_loading`
allows. The models of Kaggle it downloads itself, in Keras's safe mode.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras_nlp

from preference.errors import BadInput
from preference.hugging_face_hub import SCHEME, download_preset
from preference.safe_loading import check_classes

BACKBONE, TOKENIZER = "config.json", "tokenizer.json"
TRAINED_FROM_SCRATCH = ("deberta_v3_tiny", "deberta_v3_mini")


@contextmanager
def loading_preset(preset: str) -> Iterator[str]:
    """Find a preset, and explain what goes wrong while it is loaded.

    Args:
        preset: a registered name, a `scheme://` handle, or the folder of a saved preset.

    Yields: the folder on this machine, where there is one, else what keras-hub takes: `preset`.

    Raises:
        BadInput: there is no such preset, it is damaged, or it cannot be downloaded.
    """
    registered = keras_nlp.models.Backbone.presets
    if not (preset in registered or "://" in preset or Path(preset, BACKBONE).is_file()):
        raise BadInput(
            f"params.yaml, model.preset: there is no preset {preset!r}. Use one of "
            f"{', '.join(TRAINED_FROM_SCRATCH)}, a keras-nlp name such as "
            "deberta_v3_extra_small_en, hf://organization/name, or the folder of a preset."
        )
    try:
        source = str(download_preset(preset)) if preset.startswith(SCHEME) else preset
        _check_keras_files(Path(source))
        yield source
    except BadInput as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: {error}"
        ) from error
    # A damaged folder fails as KeyError, TypeError, tf.errors.InternalError or otherwise.
    except Exception as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: "
            f"{type(error).__name__}: {error}. "
            "Check the network, or name the folder of a preset saved on this machine."
        ) from error


def read_hugging_face_config(source: str) -> dict:
    """Return the `config.json` of a folder in Hugging Face format, and of all else {}."""
    config = _read_json(Path(source, BACKBONE))
    return config if "model_type" in config else {}


def _check_keras_files(folder: Path) -> None:
    """Check the files that keras-hub builds objects from: `task.json`, for one, it never reads.

    Raises:
        BadInput: one asks for a class that is not allowed.
    """
    if "registered_name" not in _read_json(folder / BACKBONE):
        return
    names = [BACKBONE]
    # In Hugging Face's format a tokenizer is no Keras object, and may have any words as keys.
    if not read_hugging_face_config(str(folder)):
        names.append(TOKENIZER)
    for name in names:
        try:
            check_classes(_read_json(folder / name))
        except BadInput as error:
            raise BadInput(f"{name}: {error}. Use another preset.") from error


def _read_json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
