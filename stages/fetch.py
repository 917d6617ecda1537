"""Fetch the battles: simulated, downloaded, or from files.

    python -m stages.fetch

Reads data.source and data.extra; writes data/battles.parquet, data/quarantine.jsonl and
metrics/data.json.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from preference.battles.soft_labels import (
    SHARES,
    label_columns,
    read_shares,
    with_soft_labels,
)
from preference.battles.table import (
    BATTLE_SCHEMA,
    BATTLES,
    FIELDS,
    SIMULATED_SCHEMA,
    TIE,
    scan_battles,
)
from preference.battles.writing import writing_battles
from preference.config.data_params import SIMULATED
from preference.config.params import Params, load_params
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.stage_lock import running_alone
from preference.runtime.terminal_text import one_line
from preference.sources.ingest import parse_battles
from preference.sources.open_sources import open_sources
from preference.sources.quarantine import (
    QuarantinedRow,
    check_quarantine,
    describe_quarantine,
    write_quarantine,
)
from preference.sources.source import BattleSource
from preference.sources.summary import describe_data, summarize_data, summarize_sources

QUARANTINE = Path("data/quarantine.jsonl")
METRICS = Path("metrics/data.json")


def main() -> None:
    """Write the battles table, or no table where it fails: an old one could be mistaken for it."""
    params = load_params()
    for output in (BATTLES, QUARANTINE, METRICS):
        output.unlink(missing_ok=True)
    sources = open_sources(params)
    rows_kept, ties, quarantined = write_battles(sources, params)
    for source in sources:
        rows = quarantined_rows(source, quarantined)
        if rows:
            report(describe_quarantine(rows, rows_kept[source.name], source.name))
        if source.unread:
            report(f"{source.name}: columns that are not read: {', '.join(sorted(source.unread))}.")
        if without := [part for part in source.parts if not ties[part]]:
            report(describe_missing_ties(without, source))
    columns = [*label_columns(BATTLES), *FIELDS]
    data = summarize_data(scan_battles(BATTLES, columns, "summarize"), quarantined)
    for message in describe_data(data):
        report(message)
    summary = {
        "source": params.data.source,
        "simulated": params.data.source == SIMULATED,
        "sources": summarize_sources(sources, rows_kept, quarantined),
        **data,
    }
    write_metrics(summary, METRICS)


def describe_missing_ties(parts: Sequence[str], source: BattleSource) -> str:
    """Return a sentence on the parts of a source in which no battle is a tie."""
    where = source.name
    if len(parts) < len(source.parts):
        where = f"{len(parts)} of the {len(source.parts)} files of {where}, such as {parts[0]}"
    return f"no ties: A or B wins every battle of {where}."


def report(message: str) -> None:
    """Write one line to the terminal."""
    print(one_line(message), file=sys.stderr)


def quarantined_rows(
    source: BattleSource, quarantined: Sequence[QuarantinedRow]
) -> list[QuarantinedRow]:
    """Return the quarantined rows of a source."""
    return [row for row in quarantined if row.source in source.parts]


def write_battles(
    sources: Sequence[BattleSource], params: Params
) -> tuple[Counter[str], Counter[str], list[QuarantinedRow]]:
    """Write the battles and the quarantine.

    Returns:
        The number of battles of each source, the number of those in each part of which a tie has a
        share, and the quarantined rows.

    Raises:
        BadInput: too many rows of a source are not battles; no battles are written.
    """
    schema = SIMULATED_SCHEMA if params.data.source == SIMULATED else BATTLE_SCHEMA
    source_of = {part: source.name for source in sources for part in source.parts}
    rows_kept: Counter[str] = Counter()
    ties: Counter[str] = Counter()
    quarantined: list[QuarantinedRow] = []
    with writing_battles(BATTLES, schema) as writer:
        for batch in parse_battles(sources, with_soft_labels(schema), quarantined):
            writer.write_batch(batch)
            rows_kept.update(map(source_of.__getitem__, batch["source"].to_pylist()))
            has_tie = pa.array(read_shares(batch[SHARES])[:, TIE] > 0)
            ties.update(batch.filter(has_tie)["source"].to_pylist())
        write_quarantine(quarantined, QUARANTINE)
        for source in sources:
            rows = quarantined_rows(source, quarantined)
            check_quarantine(rows, rows_kept[source.name], source.name, params.data.max_quarantined)
    return rows_kept, ties, quarantined


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("fetch"):
        main()
