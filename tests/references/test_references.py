import json
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from drawn_battles import draw_battles, make_battles, swap
from repository import REAL_ROWS
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from preference.battles.table import BATTLE_SCHEMA, LABELS
from preference.config.params import REFERENCES, ReferenceParams, TreesParams
from preference.references import models
from preference.references.files import STACK, reference_files
from preference.references.linear_features import FORMAT, format_features, length_features
from preference.references.models import (
    fit_reference,
    fit_references,
    load_reference,
    predict_reference,
    predict_references,
    save_reference,
)
from preference.runtime.errors import BadInput
from preference.sources.ingest import parse_battles
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource
from preference.splitting.leakage_groups import digest_battles, group_battles

TREES = TreesParams(number=20, min_leaf=8, max_features=0.2)
PARAMS = ReferenceParams(
    most_battles=60000, max_features=500, inverse_regularization=0.1, trees=TREES
)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_prediction_does_not_depend_on_the_other_battles(name):
    battles = draw_battles(200, seed=3)
    reference = fit_references(battles, battles, PARAMS, seed=1)[name]
    # More than are read at a time.
    many = pa.concat_tables([battles[:100]] * 21)
    alone = predict_reference(reference, battles[:100]).probabilities
    assert np.array_equal(predict_reference(reference, many).probabilities, np.tile(alone, (21, 1)))
    assert predict_reference(reference, many[:0]).probabilities.shape == (0, 3)


def fit(name, train, params=PARAMS):
    """Fit a reference; the weights of `stack` are fitted to battles of train, too."""
    if name == STACK:
        return fit_references(train, train[:50], params, seed=1)[name]
    return fit_reference(name, train, params, seed=1)


def save(reference, folder):
    save_reference(reference, folder)
    for part in getattr(reference, "parts", {}).values():
        save_reference(part, folder)


def accuracy_of(name, train, test):
    probabilities = predict_reference(fit(name, train), test).probabilities
    return np.mean(probabilities.argmax(axis=1) == test["label"].to_numpy())


def test_prior_is_the_shares_of_train_whichever_answer_is_first():
    labels = [0] * 5 + [1] * 3 + [2] * 2
    battles = make_battles(["a"] * 10, ["b"] * 10, labels)
    predictions = predict_reference(fit("prior", battles), battles)
    assert predictions.probabilities == pytest.approx(np.tile([0.4, 0.4, 0.2], (10, 1)))


def test_length_learns_that_the_longer_answer_wins():
    train, test = (draw_battles(200, seed, longer_wins=True) for seed in (1, 2))
    assert accuracy_of("length", train, test) == 1
    assert accuracy_of("prior", train, test) < 0.5


def test_tfidf_learns_the_word_that_wins_and_length_cannot():
    # As long as "ordinary", so that nothing but the word tells.
    train, test = (draw_battles(300, seed, planted="fabulous") for seed in (1, 2))
    assert accuracy_of("tfidf", train, test) > 0.95
    assert accuracy_of("length", train, test) < 0.5


@pytest.mark.parametrize("name", REFERENCES)
def test_swapped_answers_give_exactly_mirrored_probabilities(name):
    battles = draw_battles(100, seed=3)
    reference = fit(name, battles)
    predictions = predict_reference(reference, battles)
    shown_swapped = predict_reference(reference, swap(battles)).probabilities
    mirrored_back = shown_swapped[:, [1, 0, 2]]
    assert np.array_equal(predictions.probabilities, mirrored_back)
    assert np.array_equal(predictions.swapped, mirrored_back)
    assert predictions.ids.tolist() == list(range(100))
    assert predictions.probabilities.sum(axis=1) == pytest.approx(1)
    distinct = len(np.unique(predictions.probabilities[:, 0]))
    assert distinct == 1 if name == "prior" else distinct > 3


@pytest.mark.parametrize("name", REFERENCES)
def test_a_loaded_reference_predicts_the_same_and_a_second_fit_gives_the_same_bytes(name, tmp_path):
    train, test = draw_battles(100, seed=4), draw_battles(50, seed=5)
    reference = fit(name, train)
    save(reference, tmp_path / "first")
    save(fit(name, train), tmp_path / "second")
    save(load_reference(name, tmp_path / "first"), tmp_path / "third")
    for file in reference_files(name):
        assert len({(folder / file).read_bytes() for folder in tmp_path.iterdir()}) == 1
    loaded = predict_reference(load_reference(name, tmp_path / "first"), test)
    expected = predict_reference(reference, test)
    assert np.array_equal(loaded.probabilities, expected.probabilities)


def test_a_damaged_reference_is_told(tmp_path):
    save(fit("tfidf", draw_battles(100, seed=4)), tmp_path)
    path = tmp_path / "tfidf.json"
    written = json.loads(path.read_text())
    terms = written["terms"]
    for change in (
        {"tie": "0.5"},
        {"tie": float("nan")},
        {"signed": written["signed"][1:]},
        {"absolute": [True, *written["absolute"][1:]]},
        {"terms": [terms[0] | {"analyzer": "char"}, terms[1]]},
        {"terms": [terms[0] | {"idf": terms[0]["idf"][1:]}, terms[1]]},
        {"terms": [terms[0] | {"idf": [-1.0, *terms[0]["idf"][1:]]}, terms[1]]},
        {"terms": terms[:1]},
        {"unknown": 1},
    ):
        path.write_text(json.dumps(written | change))
        with pytest.raises(BadInput, match=r"tfidf.json is damaged \(.*train_reference"):
            load_reference("tfidf", tmp_path)
    path.write_text(json.dumps(written | {"signed": [1e308] * len(written["signed"])}))
    with pytest.raises(BadInput, match=r"tfidf: .*not probabilities"):
        predict_reference(load_reference("tfidf", tmp_path), draw_battles(100, seed=4))


def test_train_without_wins_is_named():
    with pytest.raises(BadInput, match=r"all of the 3 train battles are ties"):
        fit("prior", make_battles("abc", "def", [2, 2, 2]))


@pytest.mark.parametrize("name", REFERENCES)
def test_train_without_ties_gives_none_and_the_rest_is_as_sklearn_has_it(name, tmp_path):
    train, test = (draw_battles(200, seed, longer_wins=True) for seed in (1, 2))
    train, test = (one.filter(pc.less(one["label"], 2)) for one in (train, test))
    save(fit(name, train), tmp_path)
    predicted = predict_reference(load_reference(name, tmp_path), test).probabilities
    assert np.all(predicted[:, 2] == 0)
    correct = np.mean(predicted.argmax(axis=1) == test["label"].to_numpy())
    assert (correct > 0.9) == (name != "prior")
    if name == "prior":
        assert predicted[:, 0] == pytest.approx(0.5)


def test_formatting_is_counted():
    text = "# Title\n- one\n2. two **bold**\n```\nWhy? I'm sorry!\n```"
    expected = {"code fence": 2, "bullet": 1, "numbered item": 1, "bold": 2, "heading": 1}
    expected |= {"newline": 5, "digit": 1, "question mark": 1, "exclamation mark": 1}
    expected |= {"refusal": 1, "empty": 0}
    counts = np.expm1(format_features([text, " \n"]))
    assert dict(zip(FORMAT, counts[0].round(9), strict=True)) == expected
    assert dict(zip(FORMAT, counts[1].round(9), strict=True))["empty"] == 1
    assert np.expm1(length_features(["two words", ""])) == pytest.approx(np.array([[9, 2], [0, 0]]))


def test_references_score_on_real_rows_as_others_found():
    if not REAL_ROWS.exists():
        pytest.skip("no real rows in shared/data")
    source = BattleSource("real", {"real": read_source_rows(REAL_ROWS)})
    battles = pa.Table.from_batches(parse_battles([source], BATTLE_SCHEMA, []))
    labels = battles["label"].to_numpy()
    groups = group_battles(digest_battles(battles.to_batches()))
    trees = TreesParams(number=100, min_leaf=8, max_features=0.1)
    params = ReferenceParams(
        most_battles=60000, max_features=5000, inverse_regularization=0.1, trees=trees
    )
    predicted = {name: np.empty((len(labels), len(LABELS))) for name in REFERENCES}
    folds = GroupKFold(3, shuffle=True, random_state=0).split(labels, labels, groups)
    for train, test in folds:
        references = fit_references(battles.take(train), battles.take(train[:50]), params, seed=0)
        for name, predictions in predict_references(references, battles.take(test)).items():
            predicted[name][test] = predictions.probabilities
    losses = {name: log_loss(labels, predicted[name]) for name in REFERENCES}
    # On 1,983 other real rows: 1.0964, 1.0716 and 1.0466.
    assert losses["prior"] == pytest.approx(1.0964, abs=0.005)
    assert losses["length"] == pytest.approx(1.0716, abs=0.025)
    assert losses["tfidf"] == pytest.approx(1.0466, abs=0.025)
    assert losses["features"] == pytest.approx(1.031, abs=0.01)
    assert losses["features"] < losses["length"] < losses["prior"]
    assert losses["stack"] < losses["tfidf"] < losses["length"]


@pytest.mark.parametrize("name", ["tfidf", "features"])
def test_battles_are_predicted_in_batches(name, monkeypatch):
    battles = draw_battles(100, seed=3)
    reference = fit_reference(name, battles, PARAMS, seed=1)
    predicted = []
    for function in ("predict_linear", "predict_trees"):
        monkeypatch.setattr(models, function, partial(record_rows, predicted))
    monkeypatch.setattr(models, "BATTLES_A_BATCH", 40)
    models.predict_single(reference, battles)
    assert predicted == [40, 40, 20]


def record_rows(predicted, _, battles):
    predicted.append(len(battles))
    return np.full((len(battles), 3), 1 / 3)
