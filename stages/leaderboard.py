"""Rate the models that the battles name, by the votes and by every judge.

    python -m stages.leaderboard

Reads data/battles.parquet, data/split/ and data/scored/; writes metrics/leaderboard.json and, for
`dvc plots`, metrics/leaderboard.csv. Where the battles name no models, both say so.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preference.config.experiment import read_index
from preference.config.params import load_params
from preference.leaderboard.battles import read_rated_battles
from preference.leaderboard.judges import read_judges
from preference.leaderboard.leaderboard import DIGITS, MEAN, make_leaderboard
from preference.leaderboard.truth import true_ratings
from preference.runtime.atomic_write import write_text
from preference.runtime.csv_rows import write_csv_rows
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.stage_lock import running_alone

METRICS = Path("metrics")


def main() -> None:
    """Write the leaderboards, and the ratings by the votes for `dvc plots`."""
    params = load_params()
    battles = read_rated_battles(params.data.extra)
    truth = true_ratings(params, battles.models)
    resamples = params.evaluation.resamples
    ids, judges = read_judges(read_index())
    leaderboard = make_leaderboard(battles, ids, judges, truth, resamples, params.seed)
    if leaderboard["reason"]:
        print(leaderboard["reason"])
    write_metrics(leaderboard, METRICS / "leaderboard.json")
    write_text(plot_of(leaderboard), METRICS / "leaderboard.csv")


def plot_of(leaderboard: Mapping[str, Any]) -> str:
    """Return the ratings as CSV: `model` and `points`, which are above the mean of all models."""
    text = io.StringIO()
    rows = [
        (row["model"], round(row["rating"]["value"] - MEAN, DIGITS))
        for row in leaderboard.get("models", [])
        if row["rank"] is not None
    ]
    write_csv_rows(text, [("model", "points"), *rows])
    return text.getvalue()


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("leaderboard"):
        main()
