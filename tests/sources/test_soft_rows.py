"""Shares and weights in a file become columns of the battles, which other files do not have."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from fetch_runs import WINNERS, as_text, make_rows, read_outputs, run_stage, write_csv

from preference.battles import table
from preference.battles.soft_labels import (
    entropies,
    find_soft,
    label_codes,
    read_labels,
    read_weights,
    split_shares,
    with_soft_labels,
)
from preference.battles.table import BATTLE_SCHEMA, SIMULATED_SCHEMA
from preference.battles.writing import writing_battles
from preference.sources.ingest import parse_battles
from preference.sources.source import BattleSource
from preference.splitting.tie_marks import find_has_ties


def with_values(rows, position, values, **others):
    rows[position] |= dict(zip(WINNERS, values, strict=True)) | others


def write(path, rows, monkeypatch, schema=BATTLE_SCHEMA):
    """Write the battles of rows, ten to a row group, as `fetch` does."""
    monkeypatch.setattr("preference.sources.ingest.BATCH_ROWS", 10)
    quarantined = []
    source = BattleSource("rows", {"rows": enumerate(rows, start=1)})
    with writing_battles(path, schema) as writer:
        for batch in parse_battles([source], with_soft_labels(schema), quarantined):
            writer.write_batch(batch)
    return pq.read_table(path), quarantined


def test_hard_labels_have_the_bytes_that_a_plain_writer_gives(tmp_path, monkeypatch):
    rows = make_rows(25)
    battles, _ = write(tmp_path / "battles.parquet", rows, monkeypatch)
    assert battles.schema.equals(BATTLE_SCHEMA)
    source = BattleSource("rows", {"rows": enumerate(rows, start=1)})
    with pq.ParquetWriter(tmp_path / "plain", BATTLE_SCHEMA, compression="zstd") as writer:
        for batch in parse_battles([source], BATTLE_SCHEMA, []):
            writer.write_batch(batch)
    assert (tmp_path / "battles.parquet").read_bytes() == (tmp_path / "plain").read_bytes()
    assert read_labels(battles).tolist() == battles["label"].to_pylist()
    assert read_weights(battles) is None


def test_one_soft_row_gives_every_battle_shares_and_one_weight_a_weight(tmp_path, monkeypatch):
    rows = make_rows(25)
    with_values(rows, 14, (0.2, 0.3, 0.5))
    battles, _ = write(tmp_path / "shares.parquet", rows, monkeypatch)
    assert battles.column_names == [*BATTLE_SCHEMA.names, "shares"]
    labels = read_labels(battles)
    assert labels[14].tolist() == [0.2, 0.3, 0.5]
    assert labels.sum(axis=1).tolist() == [1] * 25
    assert find_soft(labels).nonzero()[0].tolist() == [14]
    assert label_codes(labels).tolist() == battles["label"].to_pylist()
    # A part of the battles without a soft one has labels as ever.
    assert read_labels(battles.slice(15)).tolist() == battles["label"].to_pylist()[15:]
    rows[22]["weight"] = 3
    others = {"weight": 1}
    rows[:22] = [row | others for row in rows[:22]]
    battles, _ = write(tmp_path / "both.parquet", rows, monkeypatch)
    assert read_weights(battles).tolist() == [1] * 22 + [3, 1, 1]
    assert battles.drop_columns(["shares", "weight"]).schema.equals(BATTLE_SCHEMA)
    assert pq.read_metadata(tmp_path / "both.parquet").num_row_groups == 3
    assert [path.name for path in tmp_path.iterdir()] == ["both.parquet", "shares.parquet"]


def test_weights_of_1_are_no_weights(tmp_path, monkeypatch):
    rows = [row | {"weight": "1.0"} for row in make_rows(5)]
    battles, _ = write(tmp_path / "battles.parquet", rows, monkeypatch)
    assert battles.schema.equals(BATTLE_SCHEMA)


def test_simulated_battles_keep_their_columns_before_those_of_extra_soft_labels(
    tmp_path, monkeypatch
):
    rows = [row | {"oracle": [0.5, 0.25, 0.25], "oracle_agreement": 0.0} for row in make_rows(3)]
    with_values(rows, 1, (0.5, 0, 0.5))
    battles, _ = write(tmp_path / "battles.parquet", rows, monkeypatch, SIMULATED_SCHEMA)
    assert battles.column_names == [*SIMULATED_SCHEMA.names, "shares"]


def test_without_the_columns_a_soft_row_is_no_battle():
    rows, quarantined = make_rows(4), []
    with_values(rows, 1, (0.2, 0.3, 0.5))
    rows[2]["weight"] = 2
    source = BattleSource("rows", {"rows": enumerate(rows, start=1)})
    (batch,) = parse_battles([source], BATTLE_SCHEMA, quarantined)
    assert batch["id"].to_pylist() == [0, 3]
    assert [(row.line, row.reason) for row in quarantined] == [
        (2, "soft labels and weights are not read here"),
        (3, "soft labels and weights are not read here"),
    ]


def test_a_share_of_a_tie_is_a_tie(tmp_path, monkeypatch):
    rows = [row for row in make_rows(30) if not row["winner_tie"]]
    with_values(rows, 0, (0.9, 0, 0.1))
    battles, _ = write(tmp_path / "battles.parquet", rows, monkeypatch)
    assert table.TIE not in battles["label"].to_pylist()
    assert find_has_ties(battles["source"], read_labels(battles)).all()


def test_fetch_reads_a_file_with_shares_and_weights(tmp_path):
    rows = [as_text(row) | {"weight": str(1 + row["id"] % 3)} for row in make_rows(60)]
    with_values(rows, 3, ("0.6", "0.3", "0.1"))
    with_values(rows, 4, ("0.6", "0.2", "0.1"))
    write_csv(tmp_path / "votes.csv", rows)
    result = run_stage(tmp_path, "fetch", "votes.csv", max_quarantined=0.1)
    assert result.returncode == 0, result.stderr
    battles, quarantined, metrics = read_outputs(tmp_path)
    assert [(row["line"], row["reason"]) for row in quarantined] == [
        (6, "winner_model_a, winner_model_b, winner_tie do not sum to 1")
    ]
    assert metrics["rows_with_soft_labels"] == 1
    assert metrics["battle_weights"] == {"min": 1, "max": 3}
    assert metrics["sources"]["votes.csv"].keys() & {"columns_not_read"} == set()
    assert read_labels(battles)[3] == pytest.approx([0.6, 0.3, 0.1])


def test_dividing_a_battle_by_its_shares_keeps_its_weight():
    labels = np.array([[0.5, 0.5, 0], [0, 0, 1], [0.2, 0.3, 0.5]])
    rows, codes, weights = split_shares(labels, np.array([2.0, 3, 1]))
    assert rows.tolist() == [0, 0, 1, 2, 2, 2]
    assert codes.tolist() == [0, 1, 2, 0, 1, 2]
    assert weights.tolist() == [1, 1, 3, 0.2, 0.3, 0.5]
    assert entropies(labels) == pytest.approx([np.log(2), 0, 1.0296530])
