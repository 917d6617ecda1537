"""Measure one PyTorch system, in an environment of its own. The runner starts it.

    .venv-bench/bin/python -m checks.benchmarks.measure_torch transformers --precision float32 ...

The training is that of Hugging Face's Trainer: AdamW, batches of sequences of similar length, each
padded to its longest sequence.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import torch

from checks.benchmarks import process_meter
from checks.benchmarks.hugging_face import PreferenceModel, build_optimizer
from checks.benchmarks.measurement import TORCH_SYSTEMS, Measurement, parse_measurement
from checks.benchmarks.result import Result, print_result
from checks.benchmarks.sequences import (
    Batch,
    Sequences,
    grouped_batches,
    load_sequences,
    longest_first,
    padding_share,
)
from checks.benchmarks.sizes import LABEL_SMOOTHING, SEED

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TORCH_TYPES = {
    "float32": torch.float32,
    "mixed_bfloat16": torch.bfloat16,
    "mixed_float16": torch.float16,
}


def measure(measurement: Measurement, sequences: Sequences) -> Result:
    """Train and predict all battles once, each after a warm-up on the longest batch."""
    torch.manual_seed(SEED)
    lengths = sequences.lengths().max(axis=1)
    plan = grouped_batches(lengths, measurement.batch, SEED)
    by_length = longest_first(lengths, measurement.batch)
    model = PreferenceModel(measurement.name, measurement.layers).to(DEVICE)
    optimizer = build_optimizer(model)
    train(model, optimizer, _batches(sequences, by_length[:1]), measurement.precision)
    startup_s = process_meter.seconds_since_start()
    train_seconds = _timed(
        train, model, optimizer, _batches(sequences, plan), measurement.precision
    )
    train_memory_gib = peak_memory_gib()
    predict(model, _batches(sequences, by_length[:1]), measurement.precision)
    return Result(
        precision=measurement.precision,
        device="cpu" if DEVICE.type == "cpu" else torch.cuda.get_device_name(),
        batch=f"{measurement.batch} battles",
        train_seconds=train_seconds,
        predict_seconds=_timed(
            predict, model, _batches(sequences, by_length), measurement.precision
        ),
        padding_share=padding_share(_batches(sequences, plan)),
        peak_memory_gib=peak_memory_gib(),
        train_memory_gib=train_memory_gib,
        startup_s=startup_s,
    )


def train(
    model: PreferenceModel,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[Batch],
    precision: str,
) -> None:
    """Take one step of AdamW for each batch."""
    model.train()
    for inputs, labels in batches:
        with _autocast(precision):
            logits = model(*_tensors(inputs))
        loss = torch.nn.functional.cross_entropy(
            logits.float(), torch.from_numpy(labels).to(DEVICE), label_smoothing=LABEL_SMOOTHING
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    _wait()


def predict(model: PreferenceModel, batches: Iterator[Batch], precision: str) -> None:
    """Compute the logits of all batches."""
    model.eval()
    with torch.inference_mode(), _autocast(precision):
        for inputs, _ in batches:
            model(*_tensors(inputs)).float().cpu()
    _wait()


def peak_memory_gib() -> float:
    """Return the peak of the memory allocated on the accelerator or, on a CPU, of the process."""
    if DEVICE.type == "cpu":
        return process_meter.peak_memory_gib()
    return torch.cuda.max_memory_allocated() / process_meter.BYTES_A_GIB


def _timed(function: Callable[..., None], *arguments: object) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def _batches(sequences: Sequences, plan: list[np.ndarray]) -> Iterator[Batch]:
    return (sequences.batch(battles) for battles in plan)


def _tensors(inputs: dict[str, np.ndarray]) -> list[torch.Tensor]:
    return [
        torch.from_numpy(inputs[name]).to(DEVICE).long() for name in ("token_ids", "padding_mask")
    ]


def _autocast(precision: str) -> AbstractContextManager:
    return torch.autocast(DEVICE.type, dtype=TORCH_TYPES[precision], enabled=precision != "float32")


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    wanted = parse_measurement(TORCH_SYSTEMS)
    print_result(measure(wanted, load_sequences(wanted.workload / "sequences.npz")))
