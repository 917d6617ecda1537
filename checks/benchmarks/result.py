"""The result of one measurement, which a process passes to the runner as a line of JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """The costs of one system in one process.

    Args:
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`.
        device: `cpu`, or the name of the accelerator.
        batch: the size of a training step in words, as battles or tokens.
        train_seconds: the time of one pass over all battles, after the warm-up.
        predict_seconds: the same for prediction, or None where the system does not predict.
        padding_share: the fraction of padding in the input of the training steps.
        peak_memory_gib: the peak of the memory allocated on the accelerator or, on a CPU, of the
            resident memory of the process.
        train_memory_gib: the same, before the first prediction.
        startup_s: the time from the start of the process to the end of the first training step.
    """

    precision: str
    device: str
    batch: str
    train_seconds: float
    predict_seconds: float | None
    padding_share: float
    peak_memory_gib: float
    train_memory_gib: float
    startup_s: float


def print_result(result: Result) -> None:
    """Print the result as the last line of the output."""
    print(json.dumps(asdict(result), allow_nan=False), flush=True)


def read_result(output: str) -> Result:
    """Read the last line; a framework may have printed others before it."""
    return Result(**json.loads(output.strip().splitlines()[-1]))
