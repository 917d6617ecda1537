"""What one measurement hands to the runner: one line of JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """Costs of one system in one process.

    Args:
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`.
        device: `cpu`, or the name of the accelerator.
        batch: battles, or tokens, a training step, in words.
        train_seconds, predict_seconds: once over all battles, after the warm-up; None where the
            system does not predict.
        padding_share: of what a training step reads.
        peak_memory_gib: resident memory of the process at most, or what it allocated on the
            accelerator.
        train_memory_gib: the same, before the first prediction.
        startup_s: from the start of the process to the end of the first training step.
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
    """Write the result as the last line of the output."""
    print(json.dumps(asdict(result), allow_nan=False), flush=True)


def read_result(output: str) -> Result:
    """Read the last line; a framework may have written others before it."""
    return Result(**json.loads(output.strip().splitlines()[-1]))
