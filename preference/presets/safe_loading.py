"""Rebuild a Keras object from a configuration that someone else may have written.

Guarantees
1. Only the classes of `preference.presets.keras_arguments` are made, with arguments of the types
   that stand there. None of them runs code that a file holds, or opens a file.
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
    """Return the object of class `kind` that a configuration describes, without weights or assets.

    Args:
        config: as `keras.saving.serialize_keras_object` writes it.
        kind: what is asked for.
        variables: how many the file of its weights holds, where it has one.

    Raises:
        BadInput: it asks for a class or an argument that none of ours has, for more layers than
            have weights, or describes no `kind`.
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
    """Make variables that have shapes alone inside the block, and get first values at its end.

    So sizes can be checked before any of that memory is asked for. Where the block raises an error,
    its variables never get values.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    except BaseException:
        # Keras remembers them, and would fill them when the next model is built.
        global_state.set_global_attribute("uninitialized_variables", [])
        raise
    with keras.StatelessScope():
        pass
