"""Measure what training and prediction cost, and write the results to docs/.

    make bench          # the full comparison
    make bench-quick    # fewer layers and rows

To measure a part alone, and leave docs/ as it is:

    python -m benchmarks --only comparison --repetitions 1 --out elsewhere
"""

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import describe_machine
from benchmarks.measurement import Measurement
from benchmarks.plan import plan_comparison, plan_lengths
from benchmarks.report import Report, write_report
from benchmarks.runner import Row, measure_all, measure_in_process, summarize
from benchmarks.settings import FULL, QUICK, Settings
from benchmarks.stage_costs import measure_stages
from benchmarks.stage_runs import REPOSITORY

PARTS = ("comparison", "lengths", "stages")


def main(arguments: argparse.Namespace) -> None:
    """Measure the parts that were asked for, and write their tables, page and picture."""
    settings = asked_settings(arguments)
    out = arguments.out.resolve() / settings.stem
    out.parent.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[Row]] = {part: [] for part in PARTS}
    failed: list[str] = []
    with TemporaryDirectory() as folder:
        for part in arguments.only:
            tables[part] = measure_part(
                part, settings, Path(folder) / part, arguments.torch_python, failed
            )
            _write_table(tables[part], table_path(out, part))
    report = Report(
        command=settings.command,
        day=date.today(),
        machine=describe_machine(arguments.torch_python),
        failed=failed,
        picture=f"{settings.stem}.svg",
        **tables,
    )
    if tables["comparison"]:
        subprocess.check_call(
            [arguments.torch_python, "-m", "benchmarks.picture", out], cwd=REPOSITORY
        )
    out.with_suffix(".md").write_text(write_report(report))


def asked_settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings, and the command that the page names."""
    settings = QUICK if arguments.quick else FULL
    if arguments.repetitions:
        settings = replace(settings, repetitions=arguments.repetitions)
    if tuple(arguments.only) != PARTS or arguments.repetitions:
        settings = replace(settings, command="python -m benchmarks " + shlex.join(sys.argv[1:]))
    return settings


def measure_part(
    part: str, settings: Settings, folder: Path, torch_python: Path, failed: list[str]
) -> list[Row]:
    """Return the rows of one table; `failed` grows by what could not be measured."""
    print(f"\n== {part}", flush=True)
    if part == "stages":
        return measure_stages(settings.stage_rows, folder, failed)
    plan = plan_comparison if part == "comparison" else plan_lengths
    results = measure_all(
        plan(settings, folder),
        settings.repetitions if part == "comparison" else 1,
        partial(measure_in_process, torch_python=torch_python),
    )
    failed += [_name(measurement) for measurement, found in results.items() if not found]
    return [summarize(measurement, found) for measurement, found in results.items() if found]


def table_path(out: Path, part: str) -> Path:
    """Return where a part's rows stand: the comparison's beside the page, under its name."""
    return out.with_suffix(".json") if part == "comparison" else Path(f"{out}-{part}.json")


def _name(measurement: Measurement) -> str:
    return f"`{measurement.name}`, {measurement.precision}, {measurement.seq_len} tokens"


def _write_table(rows: list[Row], path: Path) -> None:
    path.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare speed and memory with others.")
    parser.add_argument("--quick", action="store_true", help="fewer layers and rows")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repetitions", type=int, help="of each comparison")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs")
    parser.add_argument("--torch-python", type=Path, default=REPOSITORY / ".venv-bench/bin/python")
    main(parser.parse_args())
