"""Compare each kind of operation of our backbone with its floor, in a process of its own.

A floor is that of the roofline model (Williams et al., 2009, doi:10.1145/1498765.1498785): the
longer of the time of the matrix products at the peak of this machine, and the time to read the
inputs and to write the outputs once at the rate of a copy. Backward counts as twice forward, in
both.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from checks.benchmarks.flops import GIGA, TERA
from checks.benchmarks.practical_peak import PracticalPeak
from checks.benchmarks.runner import Row
from checks.benchmarks.stage_runs import REPOSITORY, child_environment

# Forward, and twice as much backward.
PASSES = {"training": 3, "prediction": 1}


@dataclass(frozen=True)
class Roofline:
    """The steps whose operations are measured: `sequences` of `length` tokens, without padding.

    Attributes:
        size: one of `SIZES`.
        sequences: of a step.
        length: their tokens.
        precision: a policy of Keras.
        repetitions: of each operation; the fastest counts, because others are disturbed.
    """

    size: str
    sequences: int
    length: int
    precision: str = "mixed_bfloat16"
    repetitions: int = 8


@dataclass(frozen=True)
class Cost:
    """What one kind of operation costs in one phase, once.

    Attributes:
        phase: one of `PASSES`.
        operation: its name.
        times: how often a step computes it.
        seconds: the time that it took.
        flop: the operations of its matrix products.
        size: the bytes of its inputs and outputs.
    """

    phase: str
    operation: str
    times: int
    seconds: float
    flop: int
    size: int


def measure_in_process(roofline: Roofline, peak: PracticalPeak) -> Iterator[Row]:
    """Yield a row for each operation, with the seconds of a whole step."""
    arguments = [f"--{name}={value}" for name, value in asdict(roofline).items()]
    command = [sys.executable, "-m", "checks.benchmarks.measure_roofline", *arguments]
    output = subprocess.check_output(command, cwd=REPOSITORY, env=child_environment(), text=True)
    for cost in json.loads(output.splitlines()[-1]):
        yield asdict(roofline) | add_floors(Cost(**cost), peak.tflops[roofline.precision], peak)


def add_floors(cost: Cost, tflops: float, peak: PracticalPeak) -> Row:
    """Return the row of a cost; `tflops` is the peak of its precision."""
    products = cost.times * cost.flop / TERA / tflops
    memory = cost.times * cost.size / GIGA / peak.copy_gb_per_s
    return {
        "phase": cost.phase,
        "operation": cost.operation,
        "times": cost.times,
        "seconds": cost.times * cost.seconds,
        "floor_seconds": max(products, memory),
        "limit": "products" if products >= memory else "memory",
    }
