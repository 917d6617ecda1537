"""make arena55k, scaled down: real battles from a hub to a submission that is scored."""

import gzip
import json
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest
from dataset_hub import hub, write_pin
from local_server import environment_without
from pipeline_runs import (
    ENVIRONMENT,
    commit,
    copy_repository,
    edit_params,
    keep_experiments,
    read_metrics,
    run,
    stages_run,
)
from repository import REAL_ROWS
from sklearn.metrics import log_loss

from preference.runtime.yaml_file import write_yaml

BATTLES = 400
SCALED_DOWN = {
    "data": {"source": "arena55k"},
    "tokenizer": {"vocabulary_size": 2000},
    "model": {"seq_len": 48},
    "train": {"epochs": 1, "seeds": []},
    "reference": {"max_features": 500},
    "evaluation": {"resamples": 200},
    "submit": {"model": "baseline"},
    "experiments": {"baseline": {"train": {"seeds": []}}},
}
FIELDS = ["prompt", "response_a", "response_b"]


@pytest.mark.skipif(
    not REAL_ROWS.exists(), reason="../shared/data/arena_head1000.csv.gz is missing"
)
def test_from_the_hub_to_a_scored_submission(tmp_path):
    lines = gzip.decompress(REAL_ROWS.read_bytes()).splitlines(keepends=True)
    content = b"".join(lines[: 1 + BATTLES])
    folder = copy_repository(tmp_path / "clone")
    keep_experiments(folder, "baseline")
    write_pin(folder, content, battles=BATTLES)
    write_yaml(folder / "profiles/arena55k.yaml", SCALED_DOWN)
    commit(folder, "Scaled down")
    mine = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    with hub(content) as server:
        environment = environment_without("HF_", "HUGGING") | mine
        environment |= {name: ENVIRONMENT[name] for name in ("PATH", "TF_CPP_MIN_LOG_LEVEL")}
        environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.port}"}
        # What `make arena55k FORCE=1` calls.
        command = (sys.executable, "-m", "profiles", "arena55k", "--force")
        output = run(*command, folder=folder, environment=environment)
    assert f"- train.csv of someone/battles: {len(content) / 1e6:.0f} MB" in output
    for line in ("Memory: these steps took ", "Device: ", "- baseline: ", "Together about "):
        assert line in output
    assert run("git", "status", "--porcelain", folder=folder) == ""

    run("dvc", "exp", "apply", "arena55k", folder=folder)
    data, metrics = read_metrics(folder, "data.json"), read_metrics(folder, "evaluate.json")
    assert (data["rows_read"], data["source"], data["simulated"]) == (BATTLES, "arena55k", False)
    assert data["rows_kept"] + data["rows_quarantined"] == BATTLES
    assert "oracle" not in metrics

    labels = write_test_battles(folder)
    edit_params(folder, {"submit.battles": "test.csv"})
    assert stages_run(run("dvc", "repro", "submit", folder=folder)) == {"configure", "submit"}
    submission = pd.read_csv(folder / "data/submission.csv").set_index("id")
    assert submission.index.tolist() == labels.index.tolist()
    loss = log_loss(labels, submission[["winner_model_a", "winner_model_b", "winner_tie"]])
    assert loss == pytest.approx(metrics["baseline"]["log_loss"], abs=1e-5)


def write_test_battles(folder):
    """Write test.csv in the schema of the competition's, and return the labels of its battles."""
    ids = pq.read_table(folder / "data/split/test.parquet")["id"].to_pylist()
    battles = pq.read_table(folder / "data/battles.parquet").to_pandas().set_index("id").loc[ids]
    battles[FIELDS].map(lambda turns: json.dumps([*turns])).to_csv(folder / "test.csv")
    return battles["label"]
