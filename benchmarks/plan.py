"""Which systems are measured, on which battles."""

from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.settings import Settings
from benchmarks.workload import write_full_length, write_real_lengths

SEQ_LEN = 512
# The study's.
BATCH = 8
# Of both sides, so that every length costs the same tokens a step: one battle at 2,048.
TOKENS_A_STEP = 4096
STEPS_A_LENGTH = 3

# From the study to ours step by step, and the peer last.
COMPARED = (
    ("study", "float32"),
    ("study", "mixed_bfloat16"),
    ("attention", "float32"),
    ("batching", "float32"),
    ("packing", "float32"),
    ("precision", "mixed_bfloat16"),
    ("compilation", "mixed_bfloat16"),
    ("ours", "float32"),
    ("ours", "mixed_bfloat16"),
    ("transformers", "float32"),
    ("transformers", "mixed_bfloat16"),
)
# In one precision, so that the lines differ by the attention alone.
COMPARED_BY_LENGTH = ("study", "ours", "transformers")
LENGTH_PRECISION = "float32"


def plan_comparison(settings: Settings, folder: Path) -> list[Measurement]:
    """Write the battles of real length, and return the measurements on them."""
    workload = folder / "real"
    write_real_lengths(workload, SEQ_LEN, settings.runs)
    return [
        Measurement(name, precision, SEQ_LEN, settings.layers, BATCH, workload)
        for name, precision in COMPARED
    ]


def plan_lengths(settings: Settings, folder: Path) -> list[Measurement]:
    """Write battles of each length, and return the measurements on them."""
    measurements = []
    for seq_len in settings.lengths:
        batch = max(TOKENS_A_STEP // (2 * seq_len), 1)
        workload = folder / f"length-{seq_len}"
        write_full_length(workload, seq_len, STEPS_A_LENGTH * batch)
        measurements += [
            Measurement(name, LENGTH_PRECISION, seq_len, settings.length_layers, batch, workload)
            for name in COMPARED_BY_LENGTH
        ]
    return measurements
