"""Time a large bfloat16 matrix product and a copy on the GPU. The runner starts it."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import jax
import jax.numpy as jnp

from checks.benchmarks.flops import copy_gb_per_s, peak_tflop_per_s, product_tflop_per_s
from checks.benchmarks.gpu.task import Found, Task, answer
from checks.benchmarks.keras_device import device_name

BYTES_A_MIB = 2**20
FLOAT_BYTES = 4
REPETITIONS = 10


def measure(task: Task) -> Iterator[Found]:
    """Yield the device with the rate of the product, then with the rate of the copy as well."""
    width = task.scale.product_width
    # Random values, because a GPU is faster with zeros.
    left, right = jax.random.normal(jax.random.key(0), (2, width, width), jnp.bfloat16)
    seconds = time_on_card(jax.jit(jnp.matmul), left, right, blocks=task.scale.blocks)
    tflop_per_s, peak = product_tflop_per_s(width, seconds), peak_tflop_per_s(device_name())
    found = {
        "device": device_name(),
        "product_width": width,
        "product_tflop_per_s": tflop_per_s,
        "product_share_of_peak": peak and tflop_per_s / peak,
    }
    yield found
    size = task.scale.copied_mib * BYTES_A_MIB
    values = jax.random.normal(jax.random.key(1), (size // FLOAT_BYTES,))
    # With an addition, because XLA would remove a copy alone.
    seconds = time_on_card(jax.jit(lambda x: x + 1), values, blocks=task.scale.blocks)
    yield found | {"copy_gb_per_s": copy_gb_per_s(size, seconds)}


def time_on_card(compute: Callable, *arguments: jax.Array, blocks: int) -> float:
    """Return the seconds of one computation, from the median of some blocks after a warm-up."""
    compute(*arguments).block_until_ready()
    return median(_time_block(compute, arguments) for _ in range(blocks))


def _time_block(compute: Callable, arguments: tuple[jax.Array, ...]) -> float:
    began = time.perf_counter()
    for _ in range(REPETITIONS):
        result = compute(*arguments)
    result.block_until_ready()
    return (time.perf_counter() - began) / REPETITIONS


if __name__ == "__main__":
    answer(measure)
