"""Build a model from its configuration, and load exactly the weights of a file, all finite."""

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
    """Build the model that a configuration describes, and load its weights.

    The sizes in the configuration are compared with the file before memory is allocated.

    Args:
        config: as for `rebuild`.
        described_by: the name of the file with the configuration.
        weights: HDF5, as `keras.Model.save_weights` writes it.
        kind: the class of the model.
        precisions: allowed for the weights.

    Raises:
        BadInput: the configuration or the file is damaged or refused, or they do not belong
            together.
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
    """Check that variables need at most about twice the memory of the stored arrays.

    Loading finds and reports smaller differences.

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
        # Minimum and maximum are NaN if a value is, and need no memory.
        if not (np.isfinite(values.min()) and np.isfinite(values.max())):
            raise BadInput(f"{variable.path} holds NaN or infinity")


def _load_all(model: keras.Model, weights: Path, arrays: Sequence[WeightArray]) -> None:
    """Assign each array to one variable; raise if a variable or an array is left over."""
    try:
        with warnings.catch_warnings():
            # Keras only warns about layers that keep their initial values.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(weights)
    # Keras and h5py raise many types of errors, depending on what is missing or damaged.
    except Exception as error:
        raise BadInput(_reason(error)) from error
    shapes = Counter(tuple(variable.shape) for variable in model.weights)
    for array in arrays:
        shapes[array.shape] -= 1
        if shapes[array.shape] < 0:
            raise BadInput(f"the model has no variable for the array {array.name}{array.shape}")


def _reason(error: Exception) -> str:
    """Return the part of Keras's message about the first layer that cannot be loaded."""
    paragraphs = str(error).split("\n\n")
    return paragraphs[1] if len(paragraphs) > 1 else paragraphs[0]


@contextmanager
def _named(subject: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{subject}: {error}") from error
