"""Build the backbone that a `config.json` of Hugging Face describes, if the tensors match it."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import keras
import keras_nlp

from preference.models.loaded_weights import check_size
from preference.presets.keras_configuration import check_arguments, check_depth
from preference.presets.safe_loading import without_values
from preference.runtime.errors import BadInput
from preference.runtime.weight_file import WeightArray

LAYER_NUMBER = re.compile(r"(?:^|\.)layer\.(\d+)\.")

T = TypeVar("T", bound=keras_nlp.models.Backbone)


def build_backbone(
    kind: type[T], arguments: Mapping[str, int | float], tensors: Sequence[WeightArray]
) -> T:
    """Return a backbone with initial weights, in the precision of the global policy.

    Args:
        kind: one of the backbones of `preference.presets.keras_arguments`.
        arguments: of the backbone, from `config.json`.
        tensors: listed in the headers of the weight files.

    Raises:
        BadInput: an argument has another type or is out of range, or the tensors do not match the
            arguments.
    """
    try:
        check_arguments(keras.saving.get_registered_name(kind), arguments)
        check_depth(arguments, len(tensors))
        _check_layers(tensors, arguments)
        with without_values():
            backbone = kind(**arguments, dtype=keras.config.dtype_policy().name, name="backbone")
            check_size(backbone.weights, tensors)
    except BadInput as error:
        raise BadInput(
            f"config.json and the weights do not belong together: {error}. Download both again."
        ) from error
    return backbone


def _check_layers(tensors: Sequence[WeightArray], arguments: Mapping[str, int | float]) -> None:
    """Check that the tensors have no more encoder layers than `config.json`."""
    layers = arguments["num_layers"]
    for tensor in tensors:
        found = LAYER_NUMBER.search(tensor.name)
        if found and int(found[1]) >= layers:
            raise BadInput(f"there is a tensor {tensor.name}, and {layers} encoder layers")
