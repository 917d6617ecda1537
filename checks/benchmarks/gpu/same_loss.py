"""Compare the float32 loss of our model and of the stock one with the same weights.

The runner starts it.
"""

from collections.abc import Iterator
from dataclasses import replace

import jax
import keras
import numpy as np

from checks.benchmarks.gpu.keras_model import WeightedBatch, compiled_model, weighted_batches
from checks.benchmarks.gpu.task import Found, Task, answer
from checks.benchmarks.keras_device import device_name

# Few enough for little time and memory in float32.
BATTLES = 2
# One quarter of the second side is padding.
PADDED_PART = 4


def measure(task: Task) -> Iterator[Found]:
    """Yield both losses, and the differences of losses and logits."""
    # By default, a GPU rounds float32 to the 10 bits of TF32 before it multiplies.
    jax.config.update("jax_default_matmul_precision", "highest")
    task = replace(task, battles=BATTLES)
    models = {
        system: compiled_model(replace(task.line, system=system), "float32")
        for system in ("ours", "stock")
    }
    weights = {weight.path: weight for weight in models["ours"].trainable_variables}
    for weight in models["stock"].trainable_variables:
        # Larger than the initial weights, with which attention is nearly uniform.
        value = 2 * keras.ops.convert_to_numpy(weights[weight.path])
        # A copy, because a step of Keras may free the arrays of its model.
        weights[weight.path].assign(value)
        weight.assign(value.copy())
    inputs, labels, counts = _padded_batch(task)
    losses = {
        system: float(model.test_on_batch(inputs, labels, counts)[0])
        for system, model in models.items()
    }
    ours, stock = (models[system].predict_on_batch(inputs) for system in ("ours", "stock"))
    yield {
        "device": device_name(),
        "losses": losses,
        "relative_difference": abs(losses["ours"] / losses["stock"] - 1),
        "logit_difference": float(np.abs(ours - stock).max()),
        "largest_logit": float(np.abs(stock).max()),
    }


def _padded_batch(task: Task) -> WeightedBatch:
    inputs, labels, counts = weighted_batches(task)[0]
    padding_mask = inputs["padding_mask"].copy()
    padding_mask[:, 1, -(task.line.seq_len // PADDED_PART) :] = 0
    return inputs | {"padding_mask": padding_mask}, labels, counts


if __name__ == "__main__":
    answer(measure)
