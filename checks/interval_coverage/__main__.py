"""Measure coverage of intervals and false alarms of tests: docs/results/statistics.md.

make coverage                          # the full study
python -m checks.interval_coverage --quick       # fewer data sets: docs/results/statistics-quick.md
"""

import argparse
from pathlib import Path

from checks.interval_coverage.cross_fitting import measure_cross_fitting
from checks.interval_coverage.few_groups import measure_few_groups
from checks.interval_coverage.page import write_page
from checks.interval_coverage.results import summarize
from checks.interval_coverage.settings import (
    ARENA,
    CROSS_FITTED,
    FULL,
    JUDGED_AGAIN,
    QUICK,
    study_conditions,
)
from checks.interval_coverage.study import build_worlds, count_claims
from preference.config.params import PARAMS_FILE, load_params
from preference.runtime.atomic_write import check_can_write, write_text
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: argparse.Namespace) -> None:
    """Run the study with the parameters of `params.yaml`, and write page and JSON file."""
    settings = QUICK if arguments.quick else FULL
    out = arguments.out / settings.stem
    check_can_write(out.with_suffix(".md"))
    params = load_params(REPOSITORY / PARAMS_FILE)
    datasets = arguments.datasets or settings.datasets
    resamples = settings.resamples or params.evaluation.resamples
    conditions = study_conditions(settings, params)
    worlds = build_worlds(settings, params.data.simulated.length_scale, params.seed)
    counts = count_claims(worlds, conditions, datasets, resamples, params.seed)
    few = measure_few_groups(worlds[JUDGED_AGAIN], worlds[ARENA], datasets, params.seed)
    results = summarize(counts, worlds, conditions, datasets, resamples, few)
    # After all others, so that their rows do not depend on it.
    results["cross_fitting"] = measure_cross_fitting(
        params.split.fractions(), datasets * CROSS_FITTED, params.seed
    )
    write_metrics(results, out.with_suffix(".json"))
    write_text(write_page(results, _command(arguments)), out.with_suffix(".md"))


def _command(arguments: argparse.Namespace) -> str:
    """Return the command for the page, without the option that says where to write."""
    quick = " --quick" if arguments.quick else ""
    datasets = f" --datasets {arguments.datasets}" if arguments.datasets else ""
    return f"python -m checks.interval_coverage{quick}{datasets}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Check intervals and tests against the truth.")
    parser.add_argument("--datasets", type=int, help="data sets of each condition")
    parser.add_argument("--quick", action="store_true", help="fewer data sets and resamples")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/results")
    with exit_on_bad_input():
        main(parser.parse_args())
