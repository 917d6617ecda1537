"""A trained model on disk: architecture, weights, and how its inputs are packed.

Files: `model.json`, `model.weights.h5` and `packing.json`. None of them can carry code.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from preference import deberta, heads, pair_layers, single_segment
from preference.errors import check_exists
from preference.packing import Packing

# Importing them registers our layers, so that Keras finds them by name.
LAYER_MODULES = (deberta, heads, pair_layers, single_segment)


@dataclass(frozen=True)
class SavedModel:
    """A model, and what it must be given: tokens of the folder `tokens`, packed in its way."""

    model: keras.Model
    packing: Packing
    tokens: str


def save_model(saved: SavedModel, folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture = keras.saving.serialize_keras_object(saved.model)
    # Loss and optimizer belong to the training.
    architecture.pop("compile_config", None)
    (folder / "model.json").write_text(json.dumps(architecture, indent=2) + "\n")
    saved.model.save_weights(folder / "model.weights.h5")
    packing = {**asdict(saved.packing), "tokens": saved.tokens}
    (folder / "packing.json").write_text(json.dumps(packing, indent=2) + "\n")


def load_model(folder: Path) -> SavedModel:
    """Rebuild a saved model with its weights.

    Raises:
        BadInput: there is no such model.
    """
    check_exists(folder / "model.json", f"train_{folder.name}")
    model = keras.models.model_from_json((folder / "model.json").read_text())
    model.load_weights(folder / "model.weights.h5")
    packing = json.loads((folder / "packing.json").read_text())
    tokens = packing.pop("tokens")
    return SavedModel(model=model, packing=Packing(**packing), tokens=tokens)
