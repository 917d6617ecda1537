"""Compare the references on a file of real votes: grouped 5-fold cross-validation, twice.

make real-rows FILE=votes.csv

The file has any of the schemas of docs/data.md. The references have the values of params.yaml
but for `most_battles`: all rows are used.
Rows that are not battles are left out, and counted.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from checks.real_rows.cross_validation import FOLDS, REPEATS, cross_validate
from checks.real_rows.scores import write_table
from preference.battles.table import BATTLE_SCHEMA
from preference.config.params import PARAMS_FILE, ReferenceParams, load_params
from preference.runtime.errors import BadInput, exit_on_bad_input
from preference.sources.ingest import NOT_READ, parse_battles
from preference.sources.quarantine import QuarantinedRow
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource
from preference.splitting.leakage_groups import digest_battles, group_battles

REPOSITORY = Path(__file__).resolve().parents[2]
# A smaller fold is too small to say anything, and may have no battle with some label.
FEWEST_GROUPS = 50


def compare_references(file: Path, params: ReferenceParams, seed: int) -> str:
    """Return what was compared, and the table of `checks.real_rows.scores`.

    Raises:
        BadInput: the file cannot be read, has soft labels or weights, or has too few votes.
    """
    name = str(file)
    quarantined: list[QuarantinedRow] = []
    source = BattleSource(name, {name: read_source_rows(file)})
    batches = parse_battles([source], BATTLE_SCHEMA, quarantined)
    battles = pa.Table.from_batches(batches, BATTLE_SCHEMA)
    if soft := [row for row in quarantined if row.reason == NOT_READ]:
        raise BadInput(f"{name}, line {soft[0].line}: {NOT_READ}. Use votes for A, B or a tie.")
    groups = group_battles(digest_battles(battles.to_batches())) if len(battles) else np.empty(0)
    distinct = len(np.unique(groups))
    if distinct < FEWEST_GROUPS:
        raise BadInput(
            f"{name} has {len(battles)} battles in {distinct} groups of equal prompts or answers, "
            f"and {len(quarantined)} rows that are not battles{_first_reason(quarantined)}; "
            f"cross-validation needs {FEWEST_GROUPS} groups. Use more votes."
        )
    predicted = cross_validate(battles, groups, params, seed)
    return (
        f"{len(battles):,} battles in {distinct:,} groups, {len(quarantined)} rows left out; "
        f"{FOLDS}-fold cross-validation by groups, {REPEATS} times\n\n"
        + write_table(predicted, battles["label"].to_numpy(), groups)
    )


def _first_reason(quarantined: Sequence[QuarantinedRow]) -> str:
    if not quarantined:
        return ""
    first = quarantined[0]
    return f" (line {first.line}: {first.reason})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare the references on real votes.")
    parser.add_argument("file", type=Path, help="a file of votes, in a schema of docs/data.md")
    arguments = parser.parse_args()
    with exit_on_bad_input():
        params = load_params(REPOSITORY / PARAMS_FILE)
        print(compare_references(arguments.file, params.reference, params.seed))
