"""One measurement: which system, on which battles; and its command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Measurement:
    """A system's name, and what it is given.

    Args:
        name: `study`, a step from it to `ours`, `ours`, or `transformers`.
        precision: one of `PRECISIONS`.
        layers: of the extra-small backbone.
        batch: battles a training step.
        workload: folder that `benchmarks.workload` wrote.
    """

    name: str
    precision: str
    seq_len: int
    layers: int
    batch: int
    workload: Path

    def arguments(self) -> list[str]:
        """Return the arguments that `parse_measurement` reads."""
        return [
            self.name,
            f"--precision={self.precision}",
            f"--seq-len={self.seq_len}",
            f"--layers={self.layers}",
            f"--batch={self.batch}",
            f"--workload={self.workload}",
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
    return Measurement(**vars(parser.parse_args()))
