"""One measurement, of a system on a workload, and its command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from checks.benchmarks.sizes import SIZES

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
BACKENDS = ("tensorflow", "jax")
# Measured in an environment of their own.
TORCH_SYSTEMS = ("transformers", "flashdeberta", "disentangled-flash")


@dataclass(frozen=True)
class Measurement:
    """A system and its settings.

    Args:
        name: `study`, a step from it to `ours`, `ours`, or one of `TORCH_SYSTEMS`.
        precision: one of `PRECISIONS`.
        seq_len: the maximum number of tokens of a sequence.
        layers: the number of layers of the backbone.
        batch: the number of battles in a training step.
        workload: a folder that `checks.benchmarks.workload` wrote.
        size: one of `SIZES`; the PyTorch systems support the first alone.
        backend: the backend of Keras, one of `BACKENDS`.
    """

    name: str
    precision: str
    seq_len: int
    layers: int
    batch: int
    workload: Path
    size: str = "extra_small"
    backend: str = "tensorflow"

    def __str__(self) -> str:
        """Name the system, its precision and length, and settings that are not the default."""
        usual = (Measurement.size, Measurement.backend)
        unusual = [value for value in (self.size, self.backend) if value not in usual]
        return ", ".join([self.name, self.precision, f"{self.seq_len} tokens", *unusual])

    def arguments(self) -> list[str]:
        """Return the arguments that `parse_measurement` reads."""
        return [
            self.name,
            f"--precision={self.precision}",
            f"--seq-len={self.seq_len}",
            f"--layers={self.layers}",
            f"--batch={self.batch}",
            f"--workload={self.workload}",
            f"--size={self.size}",
            f"--backend={self.backend}",
        ]


def parse_measurement(names: tuple[str, ...]) -> Measurement:
    """Read the command line of a process that measures one of the systems `names`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=names)
    parser.add_argument("--precision", choices=PRECISIONS, required=True)
    parser.add_argument("--seq-len", type=int, required=True)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workload", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="extra_small")
    parser.add_argument("--backend", choices=BACKENDS, default="tensorflow")
    return Measurement(**vars(parser.parse_args()))
