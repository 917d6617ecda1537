"""Rows in the Kaggle schema, and the entry points run on them as a user runs them."""

import csv
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
from repository import REPOSITORY

from preference.battles.table import BATTLE_SCHEMA
from preference.runtime.yaml_file import read_yaml, write_yaml

WINNERS = ["winner_model_a", "winner_model_b", "winner_tie"]
FIELDS = BATTLE_SCHEMA.names[1:4]


def make_rows(count):
    """Return rows with native values: lists of turns and integers."""
    return [
        {
            "id": number,
            "model_a": "m" if number % 2 else None,
            "model_b": "n",
            "prompt": [f"question {number}", "and?"],
            "response_a": ["A long answer, with a comma\nand a new line.", None],
            "response_b": ["Café 😀", "cut \ud83d"],
            **{winner: int(number % 3 == index) for index, winner in enumerate(WINNERS)},
        }
        for number in range(count)
    ]


def as_text(row):
    """Return the row as CSV has it: turns as JSON, everything else as text."""
    return {
        name: json.dumps(value) if name in FIELDS else "" if value is None else str(value)
        for name, value in row.items()
    }


def write_csv(path, rows, columns=None):
    columns = columns or list(rows[0])
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def run_stage(folder, name, source, code=REPOSITORY, environment=os.environ, split=None, **data):
    """Run the entry point of a stage in `code`, in a folder whose params.yaml names the source."""
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"] |= {"source": source, **data}
    params["split"] |= split or {}
    write_yaml(folder / "params.yaml", params)
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )


def read_outputs(folder):
    battles = pq.read_table(folder / "data" / "battles.parquet")
    lines = (folder / "data" / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = json.loads((folder / "metrics" / "data.json").read_text(encoding="utf-8"))
    assert metrics["rows_kept"] == len(battles)
    assert metrics["rows_quarantined"] == len(lines) == sum(metrics["quarantine_reasons"].values())
    assert metrics["rows_kept"] + metrics["rows_quarantined"] == metrics["rows_read"]
    for count in ("rows_read", "rows_kept", "rows_quarantined"):
        assert sum(source[count] for source in metrics["sources"].values()) == metrics[count]
    return battles, [json.loads(line) for line in lines], metrics


def assert_refused(folder, result, *messages):
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for message in messages:
        assert message in result.stderr
    assert not (folder / "data" / "battles.parquet").exists()
    assert not (folder / "metrics" / "data.json").exists()
