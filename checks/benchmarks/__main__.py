"""Measure the cost of training and prediction, and write the results to docs/results/.

    make bench          # the full comparison
    make bench-quick    # fewer layers and rows

Measure one part alone, and keep the results of the other parts on the page:

    python -m checks.benchmarks --only comparison --repetitions 1
"""

import argparse
import shlex
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.benchmarks import practical_peak, roofline
from checks.benchmarks.machine import describe_machine, gpu_name
from checks.benchmarks.part_files import PARTS, read_parts, write_parts
from checks.benchmarks.plan import plan_comparison, plan_lengths, plan_utilisation
from checks.benchmarks.practical_peak import add_share_of_peak
from checks.benchmarks.quality import measure_quality
from checks.benchmarks.report import Origin, Part, write_report
from checks.benchmarks.roofline import Roofline
from checks.benchmarks.runner import Row, measure_all, measure_in_process, summarize
from checks.benchmarks.settings import FULL, QUICK, Settings, for_gpu
from checks.benchmarks.stage_costs import measure_stages
from checks.benchmarks.stage_runs import REPOSITORY
from preference.runtime.atomic_write import check_can_write, write_text
from preference.runtime.errors import exit_on_bad_input

# The parts in which PyTorch is measured too.
WITH_TORCH = {"comparison", "lengths"}
# What draws a part. PyTorch's environment has the library for it.
CHARTS = {
    "comparison": "checks.benchmarks.chart",
    "lengths": "checks.benchmarks.chart",
    "roofline": "checks.benchmarks.roofline_chart",
}


@dataclass(frozen=True)
class Measured:
    """The rows of a part, the measurements that failed, and what it found of the machine."""

    rows: list[Row]
    failed: list[str]
    machine: dict[str, str] = field(default_factory=dict)


def main(arguments: argparse.Namespace) -> None:
    """Measure the requested parts, and write their tables, the page and the chart."""
    settings = requested_settings(arguments)
    out = arguments.out.resolve() / settings.stem
    check_can_write(out.with_suffix(".md"))
    has_torch = not WITH_TORCH.isdisjoint(arguments.only)
    machine = describe_machine(arguments.torch_python if has_torch else None)
    parts = read_parts(out)
    for name in arguments.only:
        with TemporaryDirectory() as folder:
            part = measure_part(name, settings, Path(folder), arguments.torch_python)
        origin = Origin(
            settings.command, date.today().isoformat(), machine | part.machine, part.failed
        )
        parts[name] = Part(part.rows, origin)
        write_parts(parts, out)
        if name == "roofline" or (name in CHARTS and "comparison" in parts):
            draw = [arguments.torch_python, "-m", CHARTS[name], out]
            subprocess.check_call(draw, cwd=REPOSITORY)
        page = write_report(parts, settings.stem)
        write_text(page, out.with_suffix(".md"))


def requested_settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings, with the command that the page names."""
    settings = QUICK if arguments.quick else FULL
    if gpu_name():
        settings = for_gpu(settings)
    if arguments.repetitions:
        settings = replace(settings, repetitions=arguments.repetitions)
    if tuple(arguments.only) != PARTS or arguments.repetitions:
        command = f"python -m checks.benchmarks {shlex.join(sys.argv[1:])}"
        settings = replace(settings, command=command)
    return settings


def measure_part(part: str, settings: Settings, folder: Path, torch_python: Path) -> Measured:
    """Measure one table, and before those of rates what the machine reaches at best."""
    print(f"\n== {part}", flush=True)
    if part == "stages":
        return Measured(*measure_stages(settings.stage_rows, folder))
    if part == "quality":
        return Measured(
            *measure_quality(
                settings.quality_rows, settings.quality_seeds, folder, settings.quality_variants
            )
        )
    peak = practical_peak.measure_in_process()
    print(f"    {peak.describe()}", flush=True)
    if part == "roofline":
        operations = list(roofline.measure_in_process(Roofline(*settings.roofline), peak))
        return Measured(operations, [], peak.describe())
    plan = {
        "comparison": partial(plan_comparison, on_gpu=bool(gpu_name())),
        "lengths": plan_lengths,
        "utilisation": plan_utilisation,
    }[part]
    results = measure_all(
        plan(settings, folder),
        settings.repetitions if part == "comparison" else 1,
        partial(measure_in_process, torch_python=torch_python),
    )
    failed = [str(measurement) for measurement, found in results.items() if not found]
    rows = [summarize(measurement, found) for measurement, found in results.items() if found]
    return Measured([add_share_of_peak(row, peak) for row in rows], failed, peak.describe())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare speed and memory with others.")
    parser.add_argument("--quick", action="store_true", help="fewer layers and rows")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repetitions", type=int, help="repetitions of each comparison")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/results")
    parser.add_argument("--torch-python", type=Path, default=REPOSITORY / ".venv-bench/bin/python")
    with exit_on_bad_input():
        main(parser.parse_args())
