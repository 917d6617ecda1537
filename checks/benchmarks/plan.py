"""Plan which systems are measured on which battles."""

from itertools import product
from pathlib import Path

from checks.benchmarks.measurement import BACKENDS, Measurement
from checks.benchmarks.settings import Settings
from checks.benchmarks.sizes import SIZES
from checks.benchmarks.workload import write_full_length, write_real_lengths

SEQ_LEN = 512
# The batch size of the study.
BATCH = 8

# From the study to ours, step by step, then transformers.
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
# Their kernels need a GPU.
COMPARED_ON_GPU = (
    ("flashdeberta", "mixed_bfloat16"),
    ("disentangled-flash", "mixed_bfloat16"),
)
# In one precision, so that the systems differ in their attention alone.
COMPARED_BY_LENGTH = ("study", "ours", "transformers")
LENGTH_PRECISION = "float32"
UTILISATION_PRECISION = "mixed_bfloat16"


def plan_comparison(settings: Settings, folder: Path, on_gpu: bool) -> list[Measurement]:
    """Write the battles of real length, and return the measurements on them."""
    workload = folder / "real"
    write_real_lengths(workload, SEQ_LEN, settings.runs)
    return [
        Measurement(name, precision, SEQ_LEN, settings.layers, BATCH, workload)
        for name, precision in (*COMPARED, *(COMPARED_ON_GPU if on_gpu else ()))
    ]


def plan_lengths(settings: Settings, folder: Path) -> list[Measurement]:
    """Write battles of each length, and return the measurements on them."""
    measurements = []
    for seq_len in settings.lengths:
        workload, batch = write_steps(settings, folder, seq_len)
        measurements += [
            Measurement(name, LENGTH_PRECISION, seq_len, settings.length_layers, batch, workload)
            for name in COMPARED_BY_LENGTH
        ]
    return measurements


def plan_utilisation(settings: Settings, folder: Path) -> list[Measurement]:
    """Write battles of each length, and return measurements of each size and backend on them."""
    measurements = []
    for seq_len in settings.utilisation_lengths:
        workload, batch = write_steps(settings, folder, seq_len)
        for size, backend in product(settings.utilisation_sizes, BACKENDS):
            layers = min(SIZES[size]["num_layers"], settings.layers)
            shape = (seq_len, layers, batch, workload, size, backend)
            measurements.append(Measurement("ours", UTILISATION_PRECISION, *shape))
    return measurements


def write_steps(settings: Settings, folder: Path, seq_len: int) -> tuple[Path, int]:
    """Write full-length battles for some steps; return their folder and the battles of a step."""
    workload = folder / f"length-{seq_len}"
    batch = max(settings.tokens_a_step // (2 * seq_len), 1)
    write_full_length(workload, seq_len, settings.steps * batch)
    return workload, batch
