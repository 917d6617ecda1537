"""Measure each system in a process of its own, interleaved, and take medians.

Repetitions are interleaved because the load of a shared machine changes with time, which would
otherwise be measured as a difference between systems.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median

from checks.benchmarks.flops import TERA, training_flops
from checks.benchmarks.measurement import TORCH_SYSTEMS, Measurement
from checks.benchmarks.result import Result, read_result
from checks.benchmarks.sequences import load_sequences
from checks.benchmarks.stage_runs import REPOSITORY, child_environment

Row = dict[str, object]


def measure_all(
    measurements: list[Measurement],
    repetitions: int,
    measure: Callable[[Measurement], Result | None],
) -> dict[Measurement, list[Result]]:
    """Return the results of each measurement, an empty list where all repetitions failed."""
    results: dict[Measurement, list[Result]] = {measurement: [] for measurement in measurements}
    total = repetitions * len(measurements)
    for number, (repetition, measurement) in enumerate(interleave(measurements, repetitions), 1):
        print(
            f"[{number}/{total}] {measurement}, repetition {repetition} of {repetitions}",
            flush=True,
        )
        if result := measure(measurement):
            print(f"    {describe(result)}", flush=True)
            results[measurement].append(result)
    return results


def interleave(
    measurements: list[Measurement], repetitions: int
) -> Iterator[tuple[int, Measurement]]:
    """Yield every measurement once, then once more, with the repetition counted from 1."""
    for repetition in range(1, repetitions + 1):
        for measurement in measurements:
            yield repetition, measurement


def measure_in_process(measurement: Measurement, torch_python: Path) -> Result | None:
    """Run the measurement in a new process; where it fails, print the reason and return None."""
    torch = measurement.name in TORCH_SYSTEMS
    process = subprocess.run(
        [
            torch_python if torch else sys.executable,
            "-m",
            "checks.benchmarks.measure_torch" if torch else "checks.benchmarks.measure_keras",
            *measurement.arguments(),
        ],
        cwd=REPOSITORY,
        env=child_environment() | {"KERAS_BACKEND": measurement.backend},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        reason = "\n".join(process.stderr.splitlines()[-10:])
        print(f"    failed with exit status {process.returncode}\n{reason}", flush=True)
        return None
    return read_result(process.stdout)


def describe(result: Result) -> str:
    """Return a line about the result for a person who waits."""
    seconds = [f"training {result.train_seconds:.1f} s"]
    if result.predict_seconds:
        seconds.append(f"prediction {result.predict_seconds:.1f} s")
    memory = f"{result.peak_memory_gib:.1f} GiB, start-up {result.startup_s:.0f} s"
    return ", ".join([*seconds, memory])


def summarize(measurement: Measurement, results: list[Result]) -> Row:
    """Return one row of the table: medians of the results, with minimum and maximum."""
    sequences = load_sequences(measurement.workload / "sequences.npz")
    battles, tokens = len(sequences.labels), len(sequences.ids)
    lengths = sequences.lengths().ravel()
    teraflops = training_flops(measurement.size, measurement.layers, lengths) / TERA
    repeated = {
        "train_rows_per_s": [battles / result.train_seconds for result in results],
        "train_tokens_per_s": [tokens / result.train_seconds for result in results],
        "train_tflop_per_s": [teraflops / result.train_seconds for result in results],
        "padding_share": [result.padding_share for result in results],
        "peak_memory_gib": [result.peak_memory_gib for result in results],
        "train_memory_gib": [result.train_memory_gib for result in results],
        "startup_s": [result.startup_s for result in results],
    }
    if all(result.predict_seconds for result in results):
        repeated["predict_rows_per_s"] = [battles / result.predict_seconds for result in results]
    row: Row = {
        "name": measurement.name,
        "size": measurement.size,
        "backend": measurement.backend,
        **{key: asdict(results[0])[key] for key in ("precision", "device", "batch")},
        "seq_len": measurement.seq_len,
        "layers": measurement.layers,
        "rows": battles,
        "repetitions": len(results),
    }
    for key, values in repeated.items():
        row |= {key: median(values), f"{key}_min": min(values), f"{key}_max": max(values)}
    return row
