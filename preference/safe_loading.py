"""Rebuild a Keras object from a JSON file that someone else may have written.

Guarantees
1. Only the classes below are made: layers of ours, backbones and tokenizers of keras-nlp, and the
   few of Keras that those consist of. None of them runs code that a file holds.
2. Whatever is wrong with the file is told as `BadInput`.
"""

import json
import re
from pathlib import Path
from typing import Any, TypeVar

import keras
import keras_nlp  # noqa: F401, registers its backbones and tokenizers

from preference.errors import BadInput

# Keras's own classes by their module. Lambda layers and functions are not among them.
KERAS_CLASSES = {
    "keras": {"DTypePolicy", "Sequential"},
    "keras.initializers": {"GlorotUniform", "Ones", "TruncatedNormal", "Zeros"},
    "keras.layers": {
        "Add",
        "Dense",
        "Dropout",
        "Embedding",
        "Flatten",
        "InputLayer",
        "LayerNormalization",
        "ReversibleEmbedding",
    },
    "keras.src.models.functional": {"Functional"},
}
REGISTERED_CLASSES = re.compile(
    r"preference>\w+"
    r"|keras_(hub|nlp)>(\w+(Backbone|Tokenizer)|PositionEmbedding|TransformerEncoder)"
)
# How Keras writes down which tensor a layer reads: a shape and names.
TENSOR = "__keras_tensor__"

T = TypeVar("T")


def rebuild(path: Path, kind: type[T]) -> T:
    """Return the object of class `kind` that a JSON file describes, without its weights or assets.

    Raises:
        BadInput: the file is no JSON, has a class that is not allowed, or describes no `kind`.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        check_classes(config)
        rebuilt = keras.saving.deserialize_keras_object(config, safe_mode=True)
    except BadInput:
        raise
    # A foreign file fails as TypeError, KeyError, RecursionError or otherwise.
    except Exception as error:
        raise BadInput(f"{path.name} cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(rebuilt, kind):
        raise BadInput(f"{path.name} describes no {kind.__name__}")
    return rebuilt


def check_classes(config: object) -> None:
    """Check every class that a Keras configuration asks for.

    Raises:
        BadInput: one of them is not allowed; the message names it.
    """
    if isinstance(config, list):
        for item in config:
            check_classes(item)
    elif isinstance(config, dict):
        if "class_name" in config and not _is_allowed(config):
            raise BadInput(
                f"it asks for the class {config['class_name']!r} of {config.get('module')!r}, "
                "which no model of ours has: it is of another origin, and may hold code"
            )
        for value in config.values():
            check_classes(value)


def _is_allowed(config: dict[str, Any]) -> bool:
    name, module, registered = (
        config.get(key) for key in ("class_name", "module", "registered_name")
    )
    if name == TENSOR:
        return True
    # A registered name is what Keras looks for first, whatever module and class say.
    if registered not in (None, name):
        return (
            REGISTERED_CLASSES.fullmatch(str(registered)) is not None
            and keras.saving.get_registered_object(registered) is not None
        )
    return name in KERAS_CLASSES.get(str(module), ())
