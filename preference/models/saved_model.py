"""A trained model on disk: its architecture as JSON, its weights as HDF5. Neither holds code."""

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

# Of a number, in every precision; and of what HDF5 writes beside an array, which is less.
NUMBER_BYTES, HDF5_BYTES = 4, 2**14
# Of the variables; what is computed with them is in the model's own precision.
PRECISIONS = ("float32",)
ADVICE = "Copy or train the model again, and do not trust one of another origin"
# Importing them registers our layers, so that Keras finds them by name.
LAYER_MODULES = (deberta, heads, pair_layers, single_segment)


def save_model(model: keras.Model, folder: Path) -> None:
    """Write the two files; `folder` is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture = keras.saving.serialize_keras_object(model)
    # Loss and optimizer belong to the training.
    architecture.pop("compile_config", None)
    text = json.dumps(architecture, indent=2) + "\n"
    (folder / ARCHITECTURE).write_text(text, encoding="utf-8")
    sizes = (NUMBER_BYTES * math.prod(variable.shape) + HDF5_BYTES for variable in model.variables)
    check_room(folder, sum(sizes))
    # Of a compiled model Keras saves the optimizer, too: twice as much again.
    keras.Model(model.input, model.output, name=model.name).save_weights(folder / WEIGHTS)


def check_weights(folder: Path) -> None:
    """Check, without reading a value, that the weights are as large as what they hold.

    Raises:
        BadInput: they are not, or are no weights.
    """
    try:
        list_arrays(folder / WEIGHTS, PRECISIONS)
    except BadInput as error:
        raise BadInput(f"{WEIGHTS} does not fit {ARCHITECTURE}: {error}. {ADVICE}") from error


def load_model(folder: Path) -> keras.Model:
    """Rebuild a saved model with its weights, in the precision in which it was trained.

    Raises:
        BadInput: a file is damaged, or asks for more than a model of ours does.
    """
    try:
        config = read_json(folder / ARCHITECTURE)
        return load_described(config, ARCHITECTURE, folder / WEIGHTS, keras.Model, PRECISIONS)
    except BadInput as error:
        raise BadInput(f"{error}. {ADVICE}") from error
