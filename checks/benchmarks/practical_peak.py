"""Measure what the machine reaches at best, to compare the rates of training with it.

    python -m checks.benchmarks.practical_peak

Prints JSON: the rate of a large matrix product in each precision, and that of a copy in memory.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from checks.benchmarks.flops import copy_gb_per_s, product_tflop_per_s
from checks.benchmarks.runner import Row
from checks.benchmarks.sizes import SEED
from checks.benchmarks.stage_runs import REPOSITORY, child_environment

# The type in which each precision of Keras multiplies matrices.
PRODUCTS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
# Large enough for a processor and for a GPU, on which the smaller ones leave units idle.
CPU_WIDTH, GPU_WIDTH = 4096, 8192
COPIED_MIB, BYTES_A_MIB = 512, 2**20
REPETITIONS = 5


@dataclass(frozen=True)
class PracticalPeak:
    """The best rates of a machine.

    Attributes:
        tflops: the rate of a matrix product by the precision of Keras, in TFLOP/s.
        copy_gb_per_s: the bytes read and written by a copy in the memory of the processor.
        threads: the threads that were used on the processor.
    """

    tflops: Mapping[str, float]
    copy_gb_per_s: float
    threads: int

    def describe(self) -> dict[str, str]:
        """Return the rates as words, by name."""
        products = {
            f"product in {PRODUCTS[precision]}": f"{rate:.3g} TFLOP/s"
            for precision, rate in self.tflops.items()
        }
        return {
            **products,
            "copy": f"{self.copy_gb_per_s:.3g} GB/s",
            "threads": str(self.threads),
        }


def add_share_of_peak(row: Row, peak: PracticalPeak) -> Row:
    """Add the peak of a row's precision, in TFLOP/s, and the fraction that its training reaches.

    Both are None where no product was measured in this precision.
    """
    tflops = peak.tflops.get(row["precision"])
    share = tflops and row["train_tflop_per_s"] / tflops
    return row | {"peak_tflops": tflops, "share_of_peak": share}


def measure_in_process() -> PracticalPeak:
    """Measure in a process of its own, like the systems that are compared with it."""
    command = [sys.executable, "-m", "checks.benchmarks.practical_peak"]
    output = subprocess.check_output(command, cwd=REPOSITORY, env=child_environment(), text=True)
    return PracticalPeak(**json.loads(output.splitlines()[-1]))


def measure_peak(
    width: int | None = None, copied_mib: int = COPIED_MIB, repetitions: int = REPETITIONS
) -> PracticalPeak:
    """Measure this process, whose TensorFlow uses all cores or a GPU.

    Args:
        width: the rows and columns of the matrices; None chooses by the device.
        copied_mib: the size of the copy, far more than the caches hold.
        repetitions: of each computation; the fastest counts, because others are disturbed.
    """
    threads = len(os.sched_getaffinity(0))
    return PracticalPeak(
        tflops={name: _product_rate(kind, width, repetitions) for name, kind in PRODUCTS.items()},
        copy_gb_per_s=_copy_rate(copied_mib * BYTES_A_MIB, threads, repetitions),
        threads=threads,
    )


def _product_rate(kind: str, width: int | None, repetitions: int) -> float:
    # Imported here, because the page of results is written without TensorFlow.
    import tensorflow as tf

    width = width or (GPU_WIDTH if tf.config.list_physical_devices("GPU") else CPU_WIDTH)
    # Random values, because a GPU is faster with zeros.
    values = np.random.default_rng(SEED).standard_normal((2, width, width), dtype=np.float32)
    left, right = tf.cast(values, kind)
    # A single element is read, so that the product is complete, and not copied from a GPU.
    seconds = fastest_seconds(lambda: tf.matmul(left, right)[0, 0].numpy(), repetitions)
    return product_tflop_per_s(width, seconds)


def _copy_rate(size: int, threads: int, repetitions: int) -> float:
    source = np.ones(size, dtype=np.uint8)
    target = np.zeros_like(source)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        # NumPy copies without Python's lock.
        seconds = fastest_seconds(lambda: list(pool.map(_copy, parts)), repetitions)
    return copy_gb_per_s(size, seconds)


def _copy(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    np.copyto(*arrays)


def fastest_seconds(compute: Callable[[], object], repetitions: int) -> float:
    """Return the seconds of the fastest run, after a warm-up."""
    compute()
    return min(_seconds(compute) for _ in range(repetitions))


def _seconds(compute: Callable[[], object]) -> float:
    began = time.perf_counter()
    compute()
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(asdict(measure_peak()), allow_nan=False), flush=True)
