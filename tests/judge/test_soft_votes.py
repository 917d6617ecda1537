"""`evaluate` on votes with shares and weights, against scikit-learn on a row for each share."""

import json

import numpy as np
import pyarrow.csv
import pytest
from schema_rows import write_lines
from sklearn.metrics import log_loss
from small_bundle import make_battles, write_bundle
from test_evaluate_file import COLUMNS, run  # noqa: F401

ROWS = 60


def make_votes():
    random = np.random.default_rng(5)
    shares = random.dirichlet([1, 1, 1], size=ROWS).round(3)
    shares[:, 2] = (1 - shares[:, :2].sum(axis=1)).round(3)
    shares[:10] = np.eye(3)[np.arange(10) % 3]
    weights = random.integers(1, 4, size=ROWS).tolist()
    rows = [
        {**row, "id": number, "weight": weight, **dict(zip(COLUMNS, share, strict=True))}
        for number, (row, share, weight) in enumerate(
            zip(make_battles(ROWS), shares.tolist(), weights, strict=True)
        )
    ]
    return rows, shares, np.array(weights)


def test_the_log_loss_is_the_weighted_cross_entropy(tmp_path, run):  # noqa: F811
    rows, shares, weights = make_votes()
    write_lines(tmp_path / "votes.jsonl", rows)
    bundle = write_bundle(tmp_path / "small")
    printed = run(
        "evaluate", "--model", bundle, "--json", tmp_path / "out.json", tmp_path / "votes.jsonl"
    ).out
    run("predict", "--model", bundle, tmp_path / "votes.jsonl", tmp_path / "predicted.csv")
    table = pyarrow.csv.read_csv(tmp_path / "predicted.csv")
    predicted = np.column_stack([table[name].to_numpy() for name in COLUMNS])
    battles, labels = np.indices(shares.shape).reshape(2, -1)
    expected = log_loss(
        labels, predicted[battles], sample_weight=(shares * weights[:, None]).ravel()
    )
    result = json.loads((tmp_path / "out.json").read_text())
    (metrics,) = result["models"].values()
    assert metrics["log_loss"]["value"] == pytest.approx(expected, abs=1e-4)
    assert result["soft_labels"]["rows"] == 50
    assert "50 battles have soft labels: log loss is the cross-entropy of soft labels" in printed
    assert f"below {result['soft_labels']['entropy']:.4f}" in printed
    assert "Battles have weights from 1 to 3" in printed
