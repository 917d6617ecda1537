"""Rebuild a Keras object from a configuration that someone else may have written.

Guarantees
1. Only classes in `preference.presets.keras_arguments` are instantiated, with arguments of the
   types listed there. None of these classes runs code from a file, or opens a file.
2. A configuration that cannot be used raises `BadInput`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import keras
from keras.src.backend.common import global_state

from preference.presets.keras_arguments import ALL_LAYERS, TOKENIZERS
from preference.presets.keras_configuration import check_classes, check_depth, check_object
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import WRONG_VALUE

T = TypeVar("T")


def rebuild(config: Mapping[str, Any], kind: type[T], variables: int | None = None) -> T:
    """Return the object that a configuration describes, without weights or assets.

    Args:
        config: the output of `keras.saving.serialize_keras_object`.
        kind: the expected class.
        variables: the number of variables in the weights file of a model; None for a tokenizer.

    Raises:
        BadInput: a class or an argument is not allowed, the weights are too few for the layers, or
            the object is not of the expected class.
    """
    try:
        check_classes(config)
        check_object(config, TOKENIZERS if variables is None else ALL_LAYERS)
        if variables is not None:
            check_depth(config, variables)
        rebuilt = keras.saving.deserialize_keras_object(config, safe_mode=True)
    except BadInput:
        raise
    except WRONG_VALUE as error:
        raise BadInput(f"it cannot be built: {type(error).__name__}: {error}") from error
    if not isinstance(rebuilt, kind):
        raise BadInput(f"it describes no {kind.__name__}")
    return rebuilt


@contextmanager
def without_values() -> Iterator[None]:
    """Let variables that the block makes have shapes only; they get values after the block.

    Sizes can thus be checked before memory is allocated. If the block raises an error, its
    variables never get values.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    except BaseException:
        # Keras keeps a list of them, and would give them values when the next model is built.
        global_state.set_global_attribute("uninitialized_variables", [])
        raise
    with keras.StatelessScope():
        pass
