"""Compare the references on a file of real votes: grouped 5-fold cross-validation, twice.

make real-rows FILE=votes.csv

The file has any of the schemas of docs/data.md. The references have the values of params.yaml.
Rows that are not battles are left out, and counted.
"""

import argparse
from pathlib import Path

import pyarrow as pa

from checks.real_rows.cross_validation import FOLDS, REPEATS, cross_validate
from checks.real_rows.scores import write_table
from preference.battles.table import BATTLE_SCHEMA
from preference.config.params import PARAMS_FILE, load_params
from preference.runtime.errors import BadInput, exit_on_bad_input
from preference.sources.ingest import parse_battles
from preference.sources.quarantine import QuarantinedRow
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource
from preference.splitting.leakage_groups import digest_battles, group_battles

REPOSITORY = Path(__file__).resolve().parents[2]
# A smaller fold is too small to say anything, and may have no battle with some label.
FEWEST_GROUPS = 50


def main(arguments: argparse.Namespace) -> None:
    """Print the table."""
    params = load_params(REPOSITORY / PARAMS_FILE)
    name = str(arguments.file)
    quarantined: list[QuarantinedRow] = []
    source = BattleSource(name, {name: read_source_rows(arguments.file)})
    battles = pa.Table.from_batches(
        parse_battles([source], BATTLE_SCHEMA, quarantined), BATTLE_SCHEMA
    )
    groups = group_battles(digest_battles(battles.to_batches())) if len(battles) else []
    if len(set(groups)) < FEWEST_GROUPS:
        raise BadInput(
            f"{name} has {len(battles)} battles in {len(set(groups))} groups of equal prompts or "
            f"answers, and cross-validation needs {FEWEST_GROUPS} groups. Use more votes."
        )
    predicted = cross_validate(battles, groups, params.reference, params.seed)
    print(
        f"{len(battles):,} battles in {len(set(groups)):,} groups, {len(quarantined)} rows left "
        f"out; {FOLDS}-fold cross-validation by groups, {REPEATS} times\n"
    )
    print(write_table(predicted, battles["label"].to_numpy(), groups))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare the references on real votes.")
    parser.add_argument("file", type=Path, help="a file of votes, in a schema of docs/data.md")
    with exit_on_bad_input():
        main(parser.parse_args())
