"""Split the battles by groups that share a prompt or answers.

    python -m stages.split

Reads data/battles.parquet; writes data/split/*.parquet (id, group) and metrics/split.json.
"""

from dataclasses import asdict
from pathlib import Path

from preference.battles import BATTLES, SEGMENTS, read_battles, scan_battles
from preference.errors import exit_on_bad_input
from preference.metrics_file import write_metrics
from preference.params import load_params
from preference.prompt_groups import group_battles
from preference.split import split_by_group, write_splits
from preference.split_summary import summarize_splits

FOLDER = Path("data/split")
METRICS = Path("metrics/split.json")


def main() -> None:
    """Write the ids of each split, and the metrics that show that nothing leaks."""
    params = load_params()
    battles = read_battles(BATTLES, ["id", "label"])
    splits = split_by_group(
        ids=battles["id"].to_numpy(),
        groups=group_battles(scan_battles(BATTLES, ["id", *SEGMENTS], "group")),
        labels=battles["label"].to_numpy(),
        shares=asdict(params.split),
        seed=params.seed,
    )
    write_splits(splits, FOLDER)
    batches = scan_battles(BATTLES, ["id", "label", *SEGMENTS], "check")
    write_metrics(summarize_splits(splits, batches), METRICS)


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
