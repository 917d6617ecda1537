"""Compute rates from the seconds of a step, and make random rows of full length."""

import numpy as np

from checks.benchmarks.flops import FORWARD_AND_BACKWARD, TERA, peak_tflop_per_s, training_flops
from checks.benchmarks.gpu.task import Found, Line, Task
from checks.benchmarks.sequences import LABELS
from checks.benchmarks.sizes import SEED, SIZES

SIDES = 2
# The number of different batches, which are repeated.
BATCHES = 4


def training_rates(task: Task, seconds: float, device: str) -> Found:
    """Return the rates of a training step of full-length battles that takes `seconds`."""
    return _rates(task, seconds, device, "train", FORWARD_AND_BACKWARD)


def prediction_rates(task: Task, seconds: float, device: str) -> Found:
    """Return the rates of a prediction of full-length battles that takes `seconds`."""
    return _rates(task, seconds, device, "predict", 1)


def _rates(task: Task, seconds: float, device: str, name: str, passes: int) -> Found:
    tflop_per_s = passes * forward_flops(task.line, task.battles) / seconds / TERA
    peak = peak_tflop_per_s(device)
    return {
        f"{name}_step_ms": 1e3 * seconds,
        f"{name}_rows_per_s": task.battles / seconds,
        f"{name}_tokens_per_s": SIDES * task.battles * task.line.seq_len / seconds,
        f"{name}_tflop_per_s": tflop_per_s,
        f"{name}_share_of_peak": peak and tflop_per_s / peak,
    }


def forward_flops(line: Line, battles: int) -> float:
    """Return the FLOPs of one forward pass over full-length battles."""
    lengths = np.full(SIDES * battles, line.seq_len)
    layers = SIZES[line.size]["num_layers"]
    return training_flops(line.size, layers, lengths) / FORWARD_AND_BACKWARD


def random_batches(task: Task) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Return some batches of random tokens without padding, and int labels."""
    random = np.random.default_rng(SEED)
    shape = (task.battles, SIDES, task.line.seq_len)
    vocabulary = SIZES[task.line.size]["vocabulary_size"]
    return [
        (
            {
                "token_ids": random.integers(1, vocabulary, shape, dtype=np.int32),
                "padding_mask": np.ones(shape, dtype=np.int32),
            },
            random.integers(LABELS, size=task.battles),
        )
        for _ in range(BATCHES)
    ]
