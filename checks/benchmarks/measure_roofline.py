"""Measure each kind of operation of our backbone alone in this process. `roofline` starts it.

    python -m checks.benchmarks.measure_roofline

Prints JSON: what each operation costs in training (forward and backward) and in prediction.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from checks.benchmarks.measurement import PRECISIONS
from checks.benchmarks.operations import Operation, Shape, plan_operations
from checks.benchmarks.practical_peak import fastest_seconds
from checks.benchmarks.roofline import PASSES, Cost, Roofline
from checks.benchmarks.sizes import LEARNING_RATE, SEED, SIZES
from preference.runtime.tensorflow_runtime import keep_freed_memory
from preference.training.optimizer import FusedAdam

# An update reads a gradient, a variable and its two moments, and writes all but the gradient.
ADAM_PASSES = 7
FLOAT32_BYTES = 4


def measure_costs(roofline: Roofline) -> Iterator[Cost]:
    """Yield the cost of each operation and, in training, of the update of all weights."""
    keras.config.set_dtype_policy(roofline.precision)
    keep_freed_memory()
    sizes, repetitions = SIZES[roofline.size], roofline.repetitions
    item_bytes = tf.as_dtype(_compute_dtype()).size
    for phase, passes in PASSES.items():
        for operation in plan_operations(sizes, roofline.sequences, roofline.length):
            numbers = sum(map(math.prod, (*operation.reads, *operation.writes)))
            yield Cost(
                phase=phase,
                operation=operation.name,
                times=operation.times,
                seconds=fastest_seconds(run_operation(operation, phase), repetitions),
                flop=passes * operation.flop,
                size=passes * numbers * item_bytes,
            )
    weights = count_weights(sizes)
    yield Cost(
        phase="training",
        operation="update of the weights",
        times=1,
        seconds=fastest_seconds(run_update(weights), repetitions),
        flop=0,
        size=ADAM_PASSES * weights * FLOAT32_BYTES,
    )


def run_operation(operation: Operation, phase: str) -> Callable[[], object]:
    """Return a function that computes the operation and, in training, its gradients."""
    inputs = [_random(shape, operation.vocabulary) for shape in operation.reads]
    upstream = [_random(shape) for shape in operation.writes]

    @tf.function(autograph=False)
    def predict(*inputs: tf.Tensor) -> object:
        return operation.compute(False, *inputs)

    @tf.function(autograph=False)
    def train(*inputs: tf.Tensor) -> object:
        sources = [tensor for tensor in inputs if tensor.dtype.is_floating]
        sources += [weight.value for weight in operation.weights]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = tf.nest.flatten(operation.compute(True, *inputs))
        # Without the outputs, TensorFlow leaves out what no gradient needs.
        return outputs, tape.gradient(outputs, sources, upstream)

    compute = train if phase == "training" else predict
    return lambda: compute(*inputs)


def run_update(weights: int) -> Callable[[], object]:
    """Return a function that updates `weights` numbers, as a training does."""
    variable = keras.Variable(np.zeros(weights, "float32"), dtype="float32")
    gradient = tf.ones(weights)
    optimizer = FusedAdam(LEARNING_RATE)
    optimizer.build([variable])

    @tf.function(autograph=False)
    def update() -> None:
        optimizer.apply([gradient])

    return update


def count_weights(sizes: Mapping[str, int]) -> int:
    """Return the number of weights of a backbone, without biases and normalizations."""
    dim, rows = sizes["hidden_dim"], sizes["vocabulary_size"] + 2 * sizes["bucket_size"]
    return dim * (rows + sizes["num_layers"] * (4 * dim + 2 * sizes["intermediate_dim"]))


def _random(shape: Shape, vocabulary: int | None = None) -> tf.Tensor:
    generator = np.random.default_rng(SEED)
    if vocabulary:
        return tf.constant(generator.integers(vocabulary, size=shape), "int32")
    return tf.cast(generator.standard_normal(shape, dtype=np.float32), _compute_dtype())


def _compute_dtype() -> str:
    return keras.config.dtype_policy().compute_dtype


if __name__ == "__main__":
    # It warns of a function for each operation.
    tf.get_logger().setLevel("ERROR")
    parser = argparse.ArgumentParser(description="Measure operations of a backbone.")
    parser.add_argument("--size", choices=SIZES, default="extra_small")
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--precision", choices=PRECISIONS, default=Roofline.precision)
    parser.add_argument("--repetitions", type=int, default=Roofline.repetitions)
    costs = measure_costs(Roofline(**vars(parser.parse_args())))
    print(json.dumps([asdict(cost) for cost in costs], allow_nan=False), flush=True)
