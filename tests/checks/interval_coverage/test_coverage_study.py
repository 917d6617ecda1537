"""The study of intervals and tests knows the truth, and shows an interval that is too narrow."""

import json
import subprocess
import sys
from argparse import Namespace

import numpy as np
import pytest
from repository import REPOSITORY
from scipy.stats import entropy
from sklearn.metrics import f1_score, log_loss

from checks.interval_coverage import few_groups, intervals
from checks.interval_coverage.__main__ import main
from checks.interval_coverage.alarms import ONE_NULL
from checks.interval_coverage.models import (
    IMPROVEMENT,
    NULL_MODELS,
    RIVAL,
    fixed_models,
    take,
    train,
)
from checks.interval_coverage.population import arena_population, draw_data_set, judge_again
from checks.interval_coverage.settings import TESTED, Condition
from checks.interval_coverage.study import BATTLES, GROUPS, count_claims
from checks.interval_coverage.trained_models import train_models
from checks.interval_coverage.truth import expected_calibration, expected_figures, expected_log_loss
from checks.interval_coverage.world import CALIBRATION_MODELS, build_world, difference
from preference.statistics.calibration_error import summarize_calibration
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.oracle_metrics import regret


@pytest.fixture(scope="module")
def arena():
    return arena_population(np.random.default_rng(0), 4_000, length_scale=0.1)


@pytest.fixture(scope="module")
def judged_again(arena):
    return judge_again(arena, np.random.default_rng(1))


@pytest.fixture(scope="module")
def models(arena):
    return fixed_models(arena)


@pytest.fixture(scope="module")
def world(judged_again):
    return build_world(judged_again, seeds=20, random=np.random.default_rng(2))


def count(world, datasets=50):
    condition = Condition("small", "judged again", 500, without_groups=True)
    counts = count_claims({"judged again": world}, [condition], datasets, resamples=200, seed=3)
    drawn = {True: datasets * TESTED, False: datasets}
    return {
        (resampled, asked): number / drawn[isinstance(asked, str)]
        for (_, resampled, asked), number in counts.items()
    }


def test_the_oracle_and_a_uniform_prediction_have_closed_forms(arena, models):
    oracle = arena.oracle
    assert expected_log_loss(oracle, np.full_like(oracle, 1 / 3)) == pytest.approx(np.log(3))
    best = expected_log_loss(oracle, oracle)
    assert best == pytest.approx(entropy(oracle, axis=1).mean())
    noisy = models[RIVAL].probabilities
    assert expected_log_loss(oracle, noisy) - best == pytest.approx(regret(oracle, noisy))
    errors = expected_calibration(oracle, oracle)
    assert errors == pytest.approx({"top_label_error": 0, "class_wise_error": 0})


def test_truth_is_what_drawn_labels_give_on_average(arena, models):
    random = np.random.default_rng(4)
    predictions = models["surface-only"]
    probabilities = predictions.probabilities
    predicted = probabilities.argmax(axis=1)
    steps = arena.oracle.cumsum(axis=1)[:, :2]
    found = []
    for _ in range(100):
        labels = (random.random((len(steps), 1)) > steps).sum(axis=1)
        found.append(
            (
                log_loss(labels, probabilities),
                (labels == predicted).mean(),
                f1_score(labels, predicted, average="macro"),
            )
        )
    truth = expected_figures(arena.oracle, predictions)
    expected = [truth["log_loss"], truth["accuracy"], truth["f1_macro"]]
    assert np.mean(found, axis=0) == pytest.approx(expected, abs=0.003)
    # One in ten is about what the order decides; surely neither none nor most.
    assert truth["flip_rate"] == np.mean(predicted != predictions.swapped.argmax(axis=1))
    assert 0.02 < truth["flip_rate"] < 0.3


def test_overconfidence_is_a_calibration_error(arena, models):
    probabilities = models["overconfident"].probabilities
    best = arena.oracle[np.arange(len(arena.oracle)), probabilities.argmax(axis=1)]
    errors = expected_calibration(arena.oracle, probabilities)
    # All gaps have one sign, so that the error is the mean gap.
    assert errors["top_label_error"] == pytest.approx(
        (probabilities.max(axis=1) - best).mean(), abs=0.01
    )
    assert errors["class_wise_error"] > 0.03


def test_null_models_have_one_expected_loss_and_are_not_one_model(arena, models):
    def losses(name):
        return -(arena.oracle * np.log(models[name].probabilities)).sum(axis=1)

    rival = losses(RIVAL)
    for name in NULL_MODELS:
        assert losses(name).mean() == pytest.approx(rival.mean(), abs=1e-9)
        assert np.std(losses(name) - rival) > 0.05
    assert losses("better").mean() == pytest.approx(rival.mean() - IMPROVEMENT, abs=1e-9)


def test_seeds_move_all_battles_alike(models):
    trained = train(models[RIVAL], np.random.default_rng(5))
    change = np.log(trained.probabilities) - np.log(trained.swapped)
    before = np.log(models[RIVAL].probabilities) - np.log(models[RIVAL].swapped)
    ratio = (change[:, 0] - change[:, 1]) / (before[:, 0] - before[:, 1])
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))
    assert ratio[0] != pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", ["arena", "judged_again"])
def test_data_sets_are_whole_groups_with_labels_from_the_oracle(kind, request):
    population = request.getfixturevalue(kind)
    group_of = np.repeat(np.arange(len(population.sizes)), population.sizes)
    random = np.random.default_rng(6)
    surprise, rows = np.zeros(3), 0
    for _ in range(200):
        data = draw_data_set(population, 500, random)
        for group in np.unique(data.groups):
            battles = data.battles[data.groups == group]
            assert np.array_equal(battles, np.flatnonzero(group_of == group_of[battles[0]]))
            break
        surprise += (np.eye(3)[data.labels] - population.oracle[data.battles]).sum(axis=0)
        rows += len(data.labels)
    assert rows / 200 == pytest.approx(500, rel=0.03)
    assert surprise / rows == pytest.approx(np.zeros(3), abs=0.01)


def test_a_copied_vote_is_the_first_one(judged_again):
    data = draw_data_set(judged_again, 3_000, np.random.default_rng(7))
    numbers = np.arange(len(data.battles))
    first = numbers + judged_again.luck[data.battles] - data.battles
    copied = first != numbers
    assert 0.3 < copied.mean() < 0.5
    assert np.array_equal(data.labels[copied], data.labels[first[copied]])


def test_calibration_is_estimated_as_the_evaluation_estimates_it(world):
    data = draw_data_set(world.population, 500, np.random.default_rng(8))
    models = {name: take(one, data.battles) for name, one in world.models.items()}
    bootstrap = GroupBootstrap(data.groups, 200, 9)
    trained = train_models(models, data.labels, np.random.default_rng(10))
    found = intervals.estimate_all(models, trained, data.labels, bootstrap)
    for model in CALIBRATION_MODELS:
        theirs = summarize_calibration(data.labels, [models[model]], bootstrap, oracle=None)
        for kind in ("top_label", "class_wise"):
            interval = found[model, f"{kind}_error"]
            assert (interval.low, interval.high) == (theirs[kind]["low"], theirs[kind]["high"])


def test_halved_intervals_show(world, monkeypatch):
    asked = GROUPS, (RIVAL, "log_loss")
    assert count(world)[asked] > 0.88
    quantiles = GroupBootstrap._quantiles

    def halved(self, figures):
        low, high = quantiles(self, figures)
        return (3 * low + high) / 4, (low + 3 * high) / 4

    monkeypatch.setattr(GroupBootstrap, "_quantiles", halved)
    assert count(world)[asked] < 0.82


def test_ignoring_groups_shows(world):
    found = count(world)
    for figure in ((RIVAL, "log_loss"), difference("overconfident", RIVAL)):
        assert found[BATTLES, figure] < 0.85 < found[GROUPS, figure]
    assert found[GROUPS, ONE_NULL] < 0.12 < found[BATTLES, ONE_NULL]


def test_intervals_of_few_groups_would_be_too_narrow_and_a_giant_group_gives_false_alarms(
    world, monkeypatch
):
    monkeypatch.setattr(few_groups, "COUNTS", (2, 60))
    monkeypatch.setattr(few_groups, "LARGEST", (0.8,))
    two, sixty, giant = few_groups.measure_few_groups(world, world, datasets=60, seed=3)
    assert (two["groups"], two["worth"]) == (2, pytest.approx(1.8, abs=0.2))
    assert two["log_loss"]["share"] < 0.65 < 0.85 < sixty["log_loss"]["share"]
    assert giant["worth"] == pytest.approx(1.55, abs=0.1)
    assert sixty["false alarm"]["share"] < 0.15 < giant["false alarm"]["share"]


def test_entry_point_writes_the_same_page_and_figures_again(tmp_path):
    command = "-m checks.interval_coverage --quick --datasets 20 --out"
    subprocess.check_call([sys.executable, *command.split(), tmp_path / "first"], cwd=REPOSITORY)
    main(Namespace(quick=True, datasets=20, out=tmp_path / "second"))
    names = ["statistics-quick.json", "statistics-quick.md"]
    first, second = (
        [(tmp_path / out / name).read_bytes() for name in names] for out in ("first", "second")
    )
    assert first == second
    results = json.loads(first[0])
    assert results["datasets"] == 20
    assert results["datasets_tested"] == 20 * TESTED
    assert results["coverage"] * 20 == pytest.approx(round(results["coverage"] * 20))
    assert 0 <= results["false_alarm_rate"] < 0.3
    shown = [row for row in results["intervals"] if row["figure"] == "log_loss"]
    assert {row["resampled"] for row in shown} == {"groups", "battles"}
    assert "simulated" in first[1].decode().lower()


def test_the_written_study_is_what_is_asked_of_the_pipeline():
    results = json.loads((REPOSITORY / "docs/results/statistics.json").read_text())
    assert results["datasets"] >= 300
    assert 0.93 <= results["coverage"] <= 0.97
    assert results["false_alarm_rate"] <= 0.06
    assert 0.93 <= results["coverage_with_training_noise"] <= 0.97
    assert results["false_alarm_rate_with_training_noise"] <= 0.06
