"""Give a described model its weights: those of the file, all of them, each of them finite."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np

from preference.presets.safe_loading import rebuild, without_values
from preference.runtime.errors import BadInput
from preference.runtime.weight_file import WeightArray, list_arrays

T = TypeVar("T", bound=keras.Model)


def load_described(
    config: Mapping[str, Any],
    described_by: str,
    weights: Path,
    kind: type[T],
    precisions: Sequence[str],
) -> T:
    """Build what a configuration describes, and load its weights.

    The configuration is compared with the file before anything of that size is made.

    Args:
        config: as `rebuild` takes it.
        described_by: the name of the file that it comes from.
        weights: HDF5, as `keras.Model.save_weights` writes it.
        kind: the class that is asked for.
        precisions: that the weights may have.

    Raises:
        BadInput: one of the two cannot be used, or they do not fit each other.
    """
    misfit = f"{weights.name} does not fit {described_by}"
    with _named(misfit):
        arrays = list_arrays(weights, precisions)
    with without_values():
        with _named(described_by):
            model = rebuild(config, kind, len(arrays))
        with _named(misfit):
            check_size(model.weights, arrays)
    with _named(misfit):
        _load_all(model, weights, arrays)
        check_finite(model.weights)
    return model


def check_size(variables: Iterable[keras.Variable], arrays: Iterable[WeightArray]) -> None:
    """Check that variables need no more memory than a file suggests.

    It is roughly compared. What differs by little is found, and named, when it is loaded.

    Raises:
        BadInput: they need more.
    """
    asked = sum(prod(variable.shape) for variable in variables)
    stored = sum(array.size for array in arrays)
    if asked > 2 * stored + 2**20:
        raise BadInput(f"the model would have {asked:,} weights, and {stored:,} are stored")


def check_finite(variables: Iterable[keras.Variable]) -> None:
    """Check that no weight is NaN or infinite.

    Raises:
        BadInput: one is; the message names the variable.
    """
    for variable in variables:
        values = keras.ops.convert_to_numpy(variable)
        # Both find NaN too, and need no memory.
        if not (np.isfinite(values.min()) and np.isfinite(values.max())):
            raise BadInput(f"{variable.path} holds NaN or infinity")


def _load_all(model: keras.Model, weights: Path, arrays: Sequence[WeightArray]) -> None:
    """Give each variable an array of its own; none of either is left."""
    try:
        with warnings.catch_warnings():
            # Keras warns where it leaves layers with their first values.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(weights)
    # Keras says what is missing as ValueError, KeyError or otherwise.
    except Exception as error:
        raise BadInput(_reason(error)) from error
    shapes = Counter(tuple(variable.shape) for variable in model.weights)
    for array in arrays:
        shapes[array.shape] -= 1
        if shapes[array.shape] < 0:
            raise BadInput(f"the model has no variable for the array {array.name}{array.shape}")


def _reason(error: Exception) -> str:
    """Return what Keras says of the first layer that cannot be loaded, of all it says."""
    paragraphs = str(error).split("\n\n")
    return paragraphs[1] if len(paragraphs) > 1 else paragraphs[0]


@contextmanager
def _named(subject: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{subject}: {error}") from error
