"""Measure training and prediction on the GPU of this machine, the most important lines first.

    python -m checks.benchmarks.gpu                     # the comparison, at most 8 minutes
    python -m checks.benchmarks.gpu --only profile variants --seconds 240
    python -m checks.benchmarks.gpu --tiny              # tiny sizes, on any processor

It needs JAX with its plugin for the GPU, and no TensorFlow; PyTorch's systems are measured where
they are installed. See docs/gpu.md.
"""

import argparse
import shlex
import signal
import sys
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from checks.benchmarks.gpu.page import write_page
from checks.benchmarks.gpu.plan import FULL, PARTS, TINY, plan_lines
from checks.benchmarks.gpu.results import Origin, append_row, read_results, start_results
from checks.benchmarks.gpu.row_summary import describe_row
from checks.benchmarks.gpu.runner import measure_all
from checks.benchmarks.gpu.task import Found
from checks.benchmarks.machine import gpu_name
from checks.benchmarks.stage_runs import REPOSITORY

PACKAGES = ("jax", "jaxlib", "keras", "keras-hub", "torch", "triton", "transformers")
PACKAGES += ("flashdeberta", "disentangled-flash")


def main(arguments: argparse.Namespace) -> None:
    """Measure the requested parts; write the rows and the page after each row."""
    # SystemExit also ends the process that is measured; the default of SIGTERM would leave it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    rows_file = arguments.out / "benchmarks-gpu.jsonl"
    scale = TINY if arguments.tiny else FULL
    lines = plan_lines(tuple(arguments.only), scale)
    if arguments.lines:
        lines = [line for line in lines if str(line).startswith(tuple(arguments.lines))]
    start_results(rows_file, _origin())
    measure_all(
        lines,
        scale,
        arguments.seconds,
        has_gpu=gpu_name() is not None,
        torch_python=arguments.torch_python,
        out=arguments.out.resolve(),
        write=partial(_write, rows_file),
    )


def _write(rows_file: Path, row: Found) -> None:
    print(f"    {describe_row(row)}", flush=True)
    append_row(rows_file, row)
    rows_file.with_suffix(".md").write_text(write_page([read_results(rows_file)]))


def _origin() -> Origin:
    command = "python -m checks.benchmarks.gpu " + shlex.join(sys.argv[1:])
    versions = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return Origin(command.strip(), date.today().isoformat(), gpu_name() or "no GPU", versions)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure speed and memory on one GPU.")
    parser.add_argument("--seconds", type=float, default=480, help="for all lines together")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=["comparison"])
    parser.add_argument("--lines", nargs="+", help="only those whose name begins so")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, for a CPU")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/results")
    parser.add_argument("--torch-python", type=Path, default=Path(sys.executable))
    main(parser.parse_args())
