"""The stage, on battles whose files the test writes itself."""

import json
from contextlib import chdir
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_battles import plant_battles
from repository import REPOSITORY

from preference.battles.predictions import Predictions, write_predictions
from preference.battles.table import BATTLE_SCHEMA
from preference.config.experiment import write_experiments
from preference.config.params import LEARNING_REFERENCES, load_params
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import leaderboard

NAMES = ["ada", "bob", "cy", "dee"]
SPLITS = {"train": 0, "valid": 300, "calibration": 320, "test": 400}
COUNT = 600


@pytest.fixture
def folder(tmp_path):
    """600 battles of four models, two judges and the names of an extra source."""
    params = read_yaml(REPOSITORY / "params.yaml")
    params["experiments"] = {"baseline": {"train": {"seeds": [9, 3]}}}
    params["evaluation"]["resamples"] = 100
    params["data"] |= {"source": "mine.csv", "extra": ["data/extra/more.csv"]}
    write_yaml(tmp_path / "params.yaml", params)
    with chdir(tmp_path):
        write_experiments(load_params())
        write_battles(*plant_battles(NAMES, COUNT)[0].pairs.T)
    return tmp_path


def write_battles(first, second, **changes):
    """Write all files that the stage reads; a longer answer always wins."""
    random = np.random.default_rng(2)
    battles, _ = plant_battles(NAMES, COUNT)
    columns = {
        "id": 10_000 - np.arange(COUNT),
        "prompt": [["q"]] * COUNT,
        "response_a": [["a" * length] for length in random.integers(1, 9, COUNT)],
        "response_b": [["b" * length] for length in random.integers(1, 9, COUNT)],
        "label": np.where(battles.scores == 1, 0, 1).astype(np.int8),
        "model_a": [NAMES[number] for number in first],
        "model_b": [NAMES[number] for number in second],
        "source": ["mine.csv"] * COUNT,
        **{name: [None] * COUNT for name in ("source_id", "language", "subset")},
    } | changes
    Path("data").mkdir(exist_ok=True)
    pq.write_table(pa.table(columns, schema=BATTLE_SCHEMA), "data/battles.parquet")
    ends = [*list(SPLITS.values())[1:], COUNT]
    for (split, start), end in zip(SPLITS.items(), ends, strict=True):
        ids = np.sort(columns["id"][start:end])
        Path("data/split").mkdir(exist_ok=True)
        pq.write_table(pa.table({"id": ids, "group": ids}), f"data/split/{split}.parquet")
        if split in ("calibration", "test"):
            write_judges(columns, ids, split)


def write_judges(columns, ids, split):
    """The first seed predicts each label with 0.9; everyone else says that all are ties."""
    labels = columns["label"][[columns["id"].tolist().index(one) for one in ids]]
    right = np.where(np.arange(3) == labels[:, None], 0.9, 0.05)
    tie = np.tile([0.0, 0.0, 1.0], (len(ids), 1))
    references = dict.fromkeys(LEARNING_REFERENCES, tie)
    files = {"baseline/seed-9": right, "baseline/seed-3": tie, **references}
    for file, probabilities in files.items():
        path = Path(f"data/scored/{split}/{file}.parquet")
        write_predictions(Predictions(ids, probabilities, probabilities), path)


def run(folder):
    with chdir(folder):
        leaderboard.main()
    csv = (folder / "metrics/leaderboard.csv").read_text().splitlines()
    return json.loads((folder / "metrics/leaderboard.json").read_text()), csv


def test_all_battles_are_rated_and_the_judges_on_those_they_were_not_trained_on(folder):
    found, csv = run(folder)
    assert [row["model"] for row in found["models"]] == NAMES
    assert (found["battles"], found["judged"]["battles"], found["judged"]["models"]) == (
        600,
        280,
        4,
    )
    assert found["truth"] is None and found["models"][0]["true_rating"] is None
    judges = found["judged"]["judges"]
    assert list(judges) == ["baseline", *LEARNING_REFERENCES]
    assert judges["baseline"]["rank_correlation"]["observed"] == 1
    assert judges["length"]["rank_correlation"]["observed"] is None
    # Its expected scores are the votes, nearer to one half: 0.925 and 0.075.
    votes = found["judged"]["votes"]
    for name, difference in judges["baseline"]["differences"].items():
        assert difference["value"] * (votes[name]["value"] - 1000) < 0
    header, *rows = csv
    assert header == "model,points" and [row.split(",")[0] for row in rows] == NAMES
    points = [row["rating"]["value"] - 1000 for row in found["models"]]
    assert [float(row.split(",")[1]) for row in rows] == pytest.approx(points)
    before = (folder / "metrics/leaderboard.json").read_bytes()
    run(folder)
    assert (folder / "metrics/leaderboard.json").read_bytes() == before


def test_with_folds_every_battle_is_judged_once(folder):
    """Each battle is in test of one fold, and in the other splits of the other fold."""
    with chdir(folder):
        battles = pq.read_table("data/battles.parquet", columns=["id", "label"])
        columns = {name: battles[name].to_numpy() for name in ("id", "label")}
        tested, others = (np.sort(half) for half in np.split(columns["id"], 2))
        for split in SPLITS:
            ids = np.concatenate([tested, others] if split == "test" else [others, tested])
            table = {"id": ids, "group": ids, "fold": np.repeat([1, 2], len(tested))}
            pq.write_table(pa.table(table), f"data/split/{split}.parquet")
            if split in ("calibration", "test"):
                write_judges(columns, ids, split)
    found, _ = run(folder)
    assert found["battles"] == found["judged"]["battles"] == COUNT
    assert found["judged"]["judges"]["baseline"]["rank_correlation"]["observed"] == 1


def test_without_names_the_stage_says_so_and_passes(folder, capsys):
    nobody = [None] * COUNT
    with chdir(folder):
        write_battles([0], [0], model_a=nobody, model_b=nobody)
    found, csv = run(folder)
    assert "do not name two models that met" in capsys.readouterr().out
    assert found["reason"].startswith("There is no leaderboard") and csv == ["model,points"]
    assert found["left_out"]["without the names of both models"] == COUNT


def test_what_cannot_be_compared_is_left_out_and_counted(folder):
    pairs = plant_battles(NAMES, COUNT)[0].pairs
    first, second = ([NAMES[number] for number in side] for side in pairs.T)
    # Two models that meet only each other, a model against itself, and a name that is missing.
    first[:5], second[:5] = ["yan"] * 5, ["zoe"] * 5
    first[5:8] = second[5:8]
    second[8] = None
    # An extra source that is in train.
    source = ["data/extra/more.csv" if 9 <= row < 20 else "mine.csv" for row in range(COUNT)]
    with chdir(folder):
        write_battles([0], [0], model_a=first, model_b=second, source=source)
    found, _ = run(folder)
    assert found["left_out"] == {
        "without the names of both models": 1,
        "of a model against itself": 3,
        "of models that never meet the others": 5,
    }
    assert found["battles"] == COUNT - 1 - 3 - 5 - 11
    assert sorted(row["model"] for row in found["models"]) == NAMES
