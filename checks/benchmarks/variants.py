"""Variants of the default training: ours, and ours without one of its speed-ups."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import keras_nlp
import numpy as np

from checks.benchmarks.replacement import replacing
from preference.config.model_params import ModelParams
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.preference_model import build_model
from preference.training import optimizer
from preference.training.dataset import BatchSampler

# The mean number of battles in our batches, so that both take as many steps.
BATTLES_PER_BATCH = 15


@dataclass(frozen=True)
class Variant:
    """What differs from ours."""

    precision: str = "float32"
    stock_backbone: bool = False
    epochs: type[BatchSampler] = BatchSampler
    adam: type[keras.optimizers.Optimizer] | None = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Use the optimizer of the variant for trainings within the block."""
        if self.adam is None:
            yield
            return
        with replacing(optimizer, "FusedAdam", self.adam):
            yield


class RandomBatches(BatchSampler):
    """Batches of equally many battles in random order, whatever their lengths."""

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return the positions of each batch."""
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(len(self.battles.rows))
        return np.array_split(order, -(-len(order) // BATTLES_PER_BATCH))


def with_stock_backbone(
    model: keras.Model, ours: DebertaV3Backbone, params: ModelParams
) -> keras.Model:
    """Return a model with all weights of `model`, and the backbone of keras-nlp."""
    stock = build_model(copy_to_stock(ours), params)
    stock.get_layer("head").set_weights(model.get_layer("head").get_weights())
    return stock


def copy_to_stock(ours: DebertaV3Backbone) -> keras_nlp.models.DebertaV3Backbone:
    """Return keras-nlp's backbone with the size and the weights of ours."""
    config = ours.get_config()
    for key in ("initializer_range", "name", "dtype", "trainable"):
        config.pop(key, None)
    stock = keras_nlp.models.DebertaV3Backbone(**config, name=ours.name)
    weights = {weight.path: weight for weight in ours.weights}
    for weight in stock.weights:
        weight.assign(weights[weight.path])
    return stock


VARIANTS = {
    "ours": Variant(),
    "stock backbone": Variant(stock_backbone=True),
    "stock Adam": Variant(adam=keras.optimizers.Adam),
    "random batches": Variant(epochs=RandomBatches),
    "mixed_bfloat16": Variant(precision="mixed_bfloat16"),
}
