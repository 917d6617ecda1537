"""Compare the experiments, the references, their blend and, on simulated data, the oracle.

The difference to `oracle` is the excess of log loss on these battles, which may be negative by
chance. `regret` is its expectation, which is never below 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import summarize_soft_labels
from preference.config.params import EvaluationParams
from preference.evaluation.blend import BLEND
from preference.evaluation.known_prompts import score_by_known_prompt
from preference.evaluation.model_noise import ModelNoise
from preference.evaluation.model_summary import describe_model, measure_runs, row_losses
from preference.evaluation.near_duplicate_scores import score_without_near_duplicates
from preference.evaluation.scoring import Model, RunPredictions
from preference.evaluation.slice_scores import score_slices
from preference.evaluation.slices import Slice
from preference.evaluation.targets import Oracle, Targets
from preference.evaluation.warnings import find_calibration_limits, find_limits, find_warnings
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.oracle_metrics import agreement_decides
from preference.statistics.paired_tests import Losses, compare_with, noise_of_a_change
from preference.statistics.training_noise import StandardError

ORACLE = "oracle"
# The metrics that `dvc metrics diff` shows.
HEADLINE = ("log_loss", "accuracy", "f1_macro", "flip_rate")

MetricValues = dict[str, float | None]


def evaluate_models(
    models: Mapping[str, Model],
    experiments: Sequence[str],
    calibration: Targets,
    test: Targets,
    slices: Sequence[Slice],
    blend_weights: Mapping[str, Sequence[float]],
    params: EvaluationParams,
    seed: int,
) -> tuple[dict[str, MetricValues], dict[str, Any]]:
    """Return the headline metrics of each model, and the details of the evaluation.

    Args:
        models: as `score_models` returns them.
        experiments: the names of the experiments among `models`, and of the blend, which counts as
            one; all others are references. The first is the baseline.
        calibration: the targets of the calibration split.
        test: the targets of the test split.
        slices: of the test battles.
        blend_weights: of the models in the blend, one for each fold; empty where there is no blend.
        params: the number of resamples.
        seed: of the bootstrap.
    """
    bootstrap = GroupBootstrap(test.groups, params.resamples, seed, weights=test.weights)
    references = [name for name in models if name not in experiments]
    best_reference = min(references, key=lambda name: _calibration_loss(models[name], calibration))
    compared = with_oracle(models, calibration, test)
    predictions = {name: [run.test for run in model.scored] for name, model in compared.items()}
    losses = {name: row_losses(test.labels, runs) for name, runs in predictions.items()}
    trained = [name for name in experiments if name != BLEND]
    noise = ModelNoise({name: len(models[name].raw) for name in trained}, {BLEND: blend_weights})
    measured = {name: measure_runs(models[name], test) for name in trained}
    deviations = {
        metric: noise.pool({name: measured[name][metric] for name in trained})
        for metric in measured[trained[0]]
    }
    summaries = {
        name: describe_model(
            model,
            test,
            bootstrap,
            {metric: noise.of_model(name, one) for metric, one in deviations.items()},
        )
        for name, model in compared.items()
    }
    compare = partial(
        _compare,
        losses=losses,
        bootstrap=bootstrap,
        noise=noise,
        smallest=params.smallest_difference,
    )
    details: dict[str, Any] = {
        "simulated": test.oracle is not None,
        "rows": len(test.ids),
        "groups": len(np.unique(test.groups)),
        **summarize_soft_labels(test.labels, test.weights),
        "limits": {"calibration": find_calibration_limits(calibration), "test": find_limits(test)},
        "resamples": params.resamples,
        "experiments": list(experiments),
        "references": references,
        "baseline": experiments[0],
        "best_reference": best_reference,
        "models": summaries,
        "training_noise": _describe_noise(deviations["log_loss"], noise.runs),
        "blend": {"weights": _mean_weights(blend_weights)} if blend_weights else None,
        "differences": {
            "baseline": compare(experiments[0], experiments),
            "reference": compare(best_reference, experiments),
        },
        **_evaluate_parts(slices, test, predictions, bootstrap, noise),
        "known_prompts": _score_known_prompts(
            test, predictions, experiments, best_reference, bootstrap, noise
        ),
    }
    if test.folds is not None:
        details["folds"] = len(np.unique(test.folds))
    if test.oracle is not None:
        _add_oracle(details, compare(ORACLE, list(models)))
        details["agreement_differences"] = _compare_where_agreement_decides(
            test.oracle,
            best_reference,
            experiments,
            losses,
            bootstrap,
            noise,
            params.smallest_difference,
            seed,
        )
    seeds = {name: models[name].seeds for name in experiments}
    details["warnings"] = find_warnings(details, seeds)
    changes = _noise_of_changes(
        experiments, best_reference, losses, bootstrap, noise, deviations["log_loss"]
    )
    smallest = params.smallest_difference
    return _headline(summaries, changes, smallest), details


def with_oracle(
    models: Mapping[str, Model], calibration: Targets, test: Targets
) -> dict[str, Model]:
    """Return the models and, where the truth is known, `oracle`, which predicts it."""
    if calibration.oracle is None or test.oracle is None:
        return dict(models)
    truth = RunPredictions(
        calibration=_predict_truth(calibration.ids, calibration.oracle),
        test=_predict_truth(test.ids, test.oracle),
    )
    return {**models, ORACLE: Model([truth], [truth], averaged=[truth], temperatures=[], seeds=[])}


def _predict_truth(ids: np.ndarray, oracle: Oracle) -> Predictions:
    return Predictions(ids, oracle.probabilities, swapped=oracle.probabilities)


def _mean_weights(weights: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(np.mean(by_fold)) for name, by_fold in weights.items()}


def _calibration_loss(model: Model, calibration: Targets) -> float:
    losses = row_losses(calibration.labels, [run.calibration for run in model.scored])
    return float(np.average(losses.mean(axis=0), weights=calibration.weights))


def _evaluate_parts(
    slices: Sequence[Slice],
    test: Targets,
    predictions: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Any]:
    return {
        "slices": score_slices(slices, test.labels, predictions, bootstrap, noise),
        "near_duplicates": score_without_near_duplicates(
            test.near_duplicate, test.labels, predictions, bootstrap, noise
        ),
    }


def _score_known_prompts(
    test: Targets,
    predictions: Mapping[str, Sequence[Predictions]],
    experiments: Sequence[str],
    best_reference: str,
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Any] | None:
    if test.known_prompt is None:
        return None
    return score_by_known_prompt(
        test.known_prompt, test.labels, predictions, experiments, best_reference, bootstrap, noise
    )


def _describe_noise(
    deviation: StandardError | None, runs: Mapping[str, int]
) -> dict[str, Any] | None:
    """Return the deviation of the log loss between runs, and the experiments it is pooled over."""
    if deviation is None:
        return None
    repeated = {name: count for name, count in runs.items() if count > 1}
    return {"deviation": deviation.value, "freedom": deviation.freedom, "runs": repeated}


def _add_oracle(details: dict[str, Any], gaps: Mapping[str, MetricValues]) -> None:
    """Add the differences to the oracle, and whether their intervals cover the regrets."""
    details["differences"]["oracle"] = gaps
    for name, gap in gaps.items():
        summary = details["models"][name]
        summary["regret_covered"] = _covers(gap, summary["regret"])


def _headline(
    summaries: Mapping[str, Mapping[str, Any]],
    changes: Mapping[str, float | None],
    smallest: float,
) -> dict[str, MetricValues]:
    """Return the headline metrics without intervals; experiments also have `log_loss_noise`.

    A change that is not larger than this is neither better nor worse. So it is at least `smallest`.
    """
    headline = {}
    for name, summary in summaries.items():
        values = {metric: summary[metric]["value"] for metric in HEADLINE}
        if name in changes:
            noise = changes[name]
            values["log_loss_noise"] = None if noise is None else max(noise, smallest)
        headline[name] = values
    return headline


def _noise_of_changes(
    experiments: Sequence[str],
    best_reference: str,
    losses: Losses,
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
    deviation: StandardError | None,
) -> dict[str, float | None]:
    trained = [name for name in experiments if name != BLEND]
    others = trained if len(trained) > 1 else [best_reference]
    return {
        name: noise_of_a_change(name, others, losses, bootstrap, noise.of_change(name, deviation))
        for name in experiments
    }


def _covers(interval: Mapping[str, float | None], value: float) -> bool | None:
    """Return whether an interval holds the value; None where there is no interval."""
    low, high = interval["low"], interval["high"]
    return None if low is None or high is None else low <= value <= high


def _compare_where_agreement_decides(
    oracle: Oracle,
    other: str,
    names: Sequence[str],
    losses: Losses,
    whole: GroupBootstrap,
    noise: ModelNoise,
    smallest: float,
    seed: int,
) -> dict[str, MetricValues]:
    """Compare models on the battles that a model can only predict if it reads the prompt."""
    decided = agreement_decides(oracle.probabilities, oracle.agreement)
    if not decided.any():
        return {}
    bootstrap = GroupBootstrap(whole.groups[decided], resamples=0, seed=seed)
    on_decided = {name: rows[:, decided] for name, rows in losses.items()}
    return _compare(other, names, on_decided, bootstrap, noise, smallest)


def _compare(
    other: str,
    names: Sequence[str],
    losses: Losses,
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
    smallest: float,
) -> dict[str, MetricValues]:
    """Return the differences of the named models to `other`, as they are written as JSON.

    `matters` is whether a difference is at least `smallest`.
    """
    deviation = noise.pool({name: bootstrap.mean(rows) for name, rows in losses.items()})
    differences = compare_with(
        other,
        names,
        losses,
        bootstrap,
        lambda name, other: noise.of_difference(name, other, deviation),
    )
    return {
        name: asdict(difference) | {"matters": abs(difference.value) >= smallest}
        for name, difference in differences.items()
    }
