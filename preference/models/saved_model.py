"""Save and load a trained model: architecture as JSON, weights as HDF5, neither with code."""

import json
import math
from pathlib import Path

import keras

from preference.models import heads, pair_layers, single_segment
from preference.models.deberta_v3 import backbone as deberta
from preference.models.loaded_weights import load_described
from preference.models.model_files import ARCHITECTURE, WEIGHTS
from preference.runtime.atomic_write import check_room
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import read_json
from preference.runtime.weight_file import list_arrays

# Sizes of a saved weight, and of the metadata that HDF5 writes for an array at most.
NUMBER_BYTES, HDF5_BYTES = 4, 2**14
# Weights are float32, also in a model that computes in mixed precision.
PRECISIONS = ("float32",)
ADVICE = "Copy or train the model again, and do not trust one of another origin"
# Importing them registers our layers, so that Keras finds them by name.
LAYER_MODULES = (deberta, heads, pair_layers, single_segment)


def save_model(model: keras.Model, folder: Path) -> None:
    """Write `model.json` and `model.weights.h5`; `folder` is created if it does not exist.

    Raises:
        OSError: the disk has too little room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    architecture = keras.saving.serialize_keras_object(model)
    # Loss and optimizer belong to training, not to the model.
    architecture.pop("compile_config", None)
    text = json.dumps(architecture, indent=2) + "\n"
    (folder / ARCHITECTURE).write_text(text, encoding="utf-8")
    sizes = (NUMBER_BYTES * math.prod(variable.shape) + HDF5_BYTES for variable in model.variables)
    check_room(folder, sum(sizes))
    # For a compiled model Keras would also save the optimizer, which is twice as large.
    keras.Model(model.input, model.output, name=model.name).save_weights(folder / WEIGHTS)


def check_weights(folder: Path) -> None:
    """Check the structure and size of the weights file, without reading a value.

    Raises:
        BadInput: the file is damaged, or holds other arrays than weights.
    """
    try:
        list_arrays(folder / WEIGHTS, PRECISIONS)
    except BadInput as error:
        raise BadInput(f"{WEIGHTS} does not fit {ARCHITECTURE}: {error}. {ADVICE}") from error


def load_model(folder: Path) -> keras.Model:
    """Rebuild a saved model with its weights, in the precision in which it was trained.

    Raises:
        BadInput: a file is damaged, or describes a model that this library does not build.
    """
    try:
        config = read_json(folder / ARCHITECTURE)
        return load_described(config, ARCHITECTURE, folder / WEIGHTS, keras.Model, PRECISIONS)
    except BadInput as error:
        raise BadInput(f"{error}. {ADVICE}") from error
