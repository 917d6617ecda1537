"""The stage `train_reference`, run as DVC runs it."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from drawn_battles import draw_battles, swap
from repository import REPOSITORY

from preference.battles.table import BATTLE_SCHEMA
from preference.config.params import REFERENCES, load_params
from preference.references.files import main_file
from preference.references.models import fit_references, save_reference
from preference.runtime.yaml_file import edit_yaml


def run_stage(folder):
    return subprocess.run(
        [sys.executable, "-m", "stages.train_reference"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )


def write_inputs(folder):
    """Valid has the opposite preference of train, so that learning from it would show."""
    train, valid = draw_battles(120, seed=7), swap(draw_battles(60, seed=8))
    valid = valid.set_column(0, BATTLE_SCHEMA.field("id"), pa.array(np.arange(1000, 1060)))
    (folder / "data" / "split").mkdir(parents=True)
    pq.write_table(pa.concat_tables([train, valid]), folder / "data" / "battles.parquet")
    for name, split in (("train", train), ("valid", valid)):
        table = pa.table({"id": split["id"], "group": split["id"]})
        pq.write_table(table, folder / "data" / "split" / f"{name}.parquet")
    shutil.copy(REPOSITORY / "params.yaml", folder)


def test_stage_fits_train_and_scores_valid_and_gives_the_same_bytes_again(tmp_path):
    write_inputs(tmp_path)
    first = run_stage(tmp_path)
    assert first.returncode == 0, first.stderr
    metrics = json.loads((tmp_path / "metrics" / "reference.json").read_text())
    assert list(metrics) == [*REFERENCES, "train"]
    assert metrics["train"] == {"battles": 120, "battles_read": 120}
    assert metrics["tfidf"]["log_loss"] > metrics["prior"]["log_loss"] > 1
    assert metrics["tfidf"]["accuracy"] < 0.5
    files = sorted((tmp_path / "models" / "reference").iterdir())
    assert [file.name for file in files] == sorted(map(main_file, REFERENCES))
    contents = [file.read_bytes() for file in files]
    assert run_stage(tmp_path).returncode == 0
    assert contents == [file.read_bytes() for file in files]


def test_stage_names_a_split_of_other_battles(tmp_path):
    write_inputs(tmp_path)
    strangers = pa.table({"id": [5, 99_999], "group": [5, 99_999]})
    pq.write_table(strangers, tmp_path / "data" / "split" / "train.parquet")
    result = run_stage(tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: data/split/train.parquet: 1 of its ids")


def test_of_more_battles_than_the_limit_evenly_spaced_ones_are_read(tmp_path):
    write_inputs(tmp_path)
    edit_yaml(tmp_path / "params.yaml", {"reference.most_battles": 40})
    done = run_stage(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fitted to 40 of 120 battles of train (reference.most_battles)" in done.stdout
    metrics = json.loads((tmp_path / "metrics/reference.json").read_text())
    assert metrics["train"] == {"battles": 120, "battles_read": 40}
    everything = pq.read_table(tmp_path / "data/battles.parquet")
    train, valid = everything[:120], everything[120:]
    parts = [part.take([*np.linspace(0, len(part) - 1, 40).astype(int)]) for part in (train, valid)]
    params = load_params(tmp_path / "params.yaml")
    references = fit_references(*parts, params.reference, params.seed)
    for name, reference in references.items():
        save_reference(reference, tmp_path / "expected")
        found = tmp_path / "models/reference" / main_file(name)
        assert found.read_bytes() == (tmp_path / "expected" / main_file(name)).read_bytes()
