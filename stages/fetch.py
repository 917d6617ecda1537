"""Fetch the battles, simulated or from a file in the Kaggle schema.

    python -m stages.fetch

Reads data.source; writes data/battles.parquet, data/quarantine.jsonl and metrics/data.json.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from preference.battle_rows import RawRow
from preference.battle_table import collect_battles
from preference.battles import BATTLE_SCHEMA, BATTLES, SIMULATED_SCHEMA, write_battles
from preference.data_summary import summarize_data
from preference.errors import exit_on_bad_input
from preference.metrics_file import write_metrics
from preference.params import Params, load_params
from preference.quarantine import check_quarantine, write_quarantine
from preference.source_file import read_source_rows

SIMULATED = "simulated"
QUARANTINE = Path("data/quarantine.jsonl")
METRICS = Path("metrics/data.json")


def main() -> None:
    """Write the battles table; where that fails, leave no older one that could pass for it."""
    params = load_params()
    for output in (BATTLES, QUARANTINE, METRICS):
        output.unlink(missing_ok=True)
    source = params.data.source
    battles, quarantined = collect_battles(*open_source(params))
    write_quarantine(quarantined, QUARANTINE)
    check_quarantine(quarantined, len(battles), source, params.data.max_quarantined)
    write_battles(battles, BATTLES)
    write_metrics(summarize_data(battles, quarantined, source), METRICS)


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
