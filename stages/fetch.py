"""Fetch the battles, simulated or from a file in the Kaggle schema.

    python -m stages.fetch

Reads data.source; writes data/battles.parquet, data/quarantine.jsonl and metrics/data.json.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from preference.battle_rows import RawRow
from preference.battle_table import parse_battles
from preference.battles import (
    BATTLE_SCHEMA,
    BATTLES,
    SEGMENTS,
    SIMULATED_SCHEMA,
    has_oracle,
    scan_battles,
    writing_battles,
)
from preference.data_summary import summarize_data
from preference.errors import exit_on_bad_input
from preference.metrics_file import write_metrics
from preference.params import Params, load_params
from preference.quarantine import QuarantinedRow, check_quarantine, write_quarantine
from preference.source_file import read_source_rows

SIMULATED = "simulated"
QUARANTINE = Path("data/quarantine.jsonl")
METRICS = Path("metrics/data.json")


def main() -> None:
    """Write the battles table; where that fails, leave no older one that could pass for it."""
    params = load_params()
    for output in (BATTLES, QUARANTINE, METRICS):
        output.unlink(missing_ok=True)
    quarantined = write_battles(params)
    batches = scan_battles(BATTLES, ["label", *SEGMENTS], "summarize")
    summary = summarize_data(batches, quarantined, params.data.source, has_oracle(BATTLES))
    write_metrics(summary, METRICS)


def write_battles(params: Params) -> list[QuarantinedRow]:
    """Write the battles and the quarantine, and return what is in the latter.

    Raises:
        BadInput: too many rows are no battles; then no battles are left.
    """
    rows, schema = open_source(params)
    quarantined: list[QuarantinedRow] = []
    rows_kept = 0
    with writing_battles(BATTLES, schema) as writer:
        for batch in parse_battles(rows, schema, quarantined):
            writer.write_batch(batch)
            rows_kept += len(batch)
        write_quarantine(quarantined, QUARANTINE)
        check_quarantine(quarantined, rows_kept, params.data.source, params.data.max_quarantined)
    return quarantined


def open_source(params: Params) -> tuple[Iterable[tuple[int, RawRow]], pa.Schema]:
    """Return the numbered raw rows of the source, and the schema of its battles."""
    if params.data.source != SIMULATED:
        return read_source_rows(Path(params.data.source)), BATTLE_SCHEMA
    # Here, because a run on a file should not depend on the simulation.
    from simulated import simulate_rows

    simulation = params.data.simulated
    rows = simulate_rows(simulation.battles, simulation.length_scale, params.seed)
    return enumerate(rows, start=1), SIMULATED_SCHEMA


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
