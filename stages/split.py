"""Split the battles by groups that share a prompt or answers; extra ones are for train alone.

    python -m stages.split

Reads data/battles.parquet; writes data/split/*.parquet (id, group) and metrics/split.json.
"""

from dataclasses import asdict
from pathlib import Path

from preference.battles import BATTLES, SEGMENTS, read_battles, scan_battles
from preference.errors import exit_on_bad_input
from preference.extra_battles import add_extra_battles, count_extra_battles, mark_extra
from preference.metrics_file import write_metrics
from preference.params import load_params
from preference.prompt_groups import digest_battles, group_battles
from preference.running_alone import running_alone
from preference.split import split_by_group, write_splits
from preference.split_summary import summarize_splits

FOLDER = Path("data/split")
METRICS = Path("metrics/split.json")


def main() -> None:
    """Write the ids of each split, and the metrics that show that nothing leaks."""
    params = load_params()
    battles = read_battles(BATTLES, ["id", "label", "source"])
    digests = digest_battles(scan_battles(BATTLES, ["id", *SEGMENTS], "group"))
    is_extra = mark_extra(battles["source"], params.data.extra)
    splits = split_by_group(
        ids=battles["id"].to_numpy()[~is_extra],
        groups=group_battles(digests.filter(~is_extra)),
        labels=battles["label"].to_numpy()[~is_extra],
        shares=asdict(params.split),
        seed=params.seed,
    )
    splits = add_extra_battles(splits, digests, is_extra)
    write_splits(splits, FOLDER)
    batches = scan_battles(BATTLES, ["id", "label", *SEGMENTS], "check")
    summary = summarize_splits(splits, batches)
    summary["extra"] = count_extra_battles(
        splits["train"], battles["id"].to_numpy(), battles["source"], params.data.extra
    )
    write_metrics(summary, METRICS)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("split"):
        main()
