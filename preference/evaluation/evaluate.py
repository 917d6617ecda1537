"""Compare every experiment, reference and blend, and on simulated data the oracle, on test.

The difference to `oracle` is the realised gap, which luck may make negative; `regret` is its
expectation, which is never below 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.config.params import EvaluationParams
from preference.evaluation.model_summary import describe_model, row_losses
from preference.evaluation.near_duplicate_scores import score_without_near_duplicates
from preference.evaluation.scoring import BLEND, Model, RunPredictions, Truth
from preference.evaluation.slices import Slice, score_slices
from preference.evaluation.warnings import find_limits, find_warnings
from preference.statistics.calibration import fit_temperatures
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.oracle_metrics import agreement_decides
from preference.statistics.paired_tests import Difference, Losses, compare_with, noise_of_a_change

ORACLE = "oracle"
# What `dvc metrics diff` shows.
HEADLINE = ("log_loss", "accuracy", "f1_macro", "flip_rate")


def evaluate_models(
    models: Mapping[str, Model],
    arms: Sequence[str],
    calibration: Truth,
    test: Truth,
    slices: Sequence[Slice],
    params: EvaluationParams,
    seed: int,
) -> tuple[dict[str, dict[str, float | None]], dict[str, Any]]:
    """Return the headline figures of each model, and the details behind them.

    Args:
        models: as `score_models` returns them.
        arms: names of the experiments and of the blend among `models`; the others are references.
            The first is what the others are compared with.
        calibration: the truth of the calibration split.
        test: the truth of the test split.
        slices: of the test battles.
        params: how intervals are made.
        seed: chooses the resamples.
    """
    bootstrap = GroupBootstrap(test.groups, params.resamples, seed)
    references = [name for name in models if name not in arms]
    rival = min(references, key=lambda name: _calibration_loss(models[name], calibration.labels))
    compared = with_oracle(models, calibration, test)
    predictions = {name: [one.test for one in model.scored] for name, model in compared.items()}
    losses = {name: row_losses(test.labels, ones) for name, ones in predictions.items()}
    figures = {name: describe_model(model, test, bootstrap) for name, model in compared.items()}
    details = {
        "simulated": test.oracle is not None,
        "rows": len(test.ids),
        "groups": len(np.unique(test.groups)),
        "limits": {"calibration": find_limits(calibration), "test": find_limits(test)},
        "resamples": params.resamples,
        "arms": list(arms),
        "references": references,
        "baseline": arms[0],
        "best_reference": rival,
        "models": figures,
        "differences": {
            "baseline": as_mappings(compare_with(arms[0], arms, losses, bootstrap)),
            "reference": as_mappings(compare_with(rival, arms, losses, bootstrap)),
        },
        "slices": score_slices(slices, test.labels, predictions, bootstrap),
        "near_duplicates": score_without_near_duplicates(
            test.near_duplicate, test.labels, predictions, bootstrap
        ),
    }
    if test.oracle is not None:
        gaps = as_mappings(compare_with(ORACLE, list(models), losses, bootstrap))
        details["differences"]["oracle"] = gaps
        for name, gap in gaps.items():
            figures[name]["regret_covered"] = _covers(gap, figures[name]["regret"])
        details["agreement_differences"] = _where_agreement_decides(
            arms, rival, losses, test, params, seed
        )
    seeds = {name: [one.seed for one in models[name].raw] for name in arms}
    details["warnings"] = find_warnings(details, seeds)
    experiments = [name for name in arms if name != BLEND]
    others = experiments if len(experiments) > 1 else [rival]
    noise = {name: noise_of_a_change(name, others, losses, bootstrap) for name in arms}
    return _headline(figures, noise), details


def with_oracle(models: Mapping[str, Model], calibration: Truth, test: Truth) -> dict[str, Model]:
    """Add the truth as one more model, `oracle`, where it is known."""
    if calibration.oracle is None or test.oracle is None:
        return dict(models)
    truth = RunPredictions(
        calibration=Predictions(calibration.ids, calibration.oracle, swapped=calibration.oracle),
        test=Predictions(test.ids, test.oracle, swapped=test.oracle),
    )
    fitted = [fit_temperatures(calibration.labels, truth.calibration)]
    return {**models, ORACLE: Model([truth], [truth], temperatures=[], fitted=fitted)}


def _calibration_loss(model: Model, labels: np.ndarray) -> float:
    losses = row_losses(labels, [training.calibration for training in model.scored])
    return float(losses.mean())


def _headline(
    figures: Mapping[str, Mapping[str, Any]], noise: Mapping[str, float | None]
) -> dict[str, dict[str, float | None]]:
    """Return scalars alone; `log_loss_noise` stands beside `log_loss` in a diff."""
    headline = {}
    for name, model in figures.items():
        scalars = {metric: model[metric]["value"] for metric in HEADLINE}
        if name in noise:
            scalars["log_loss_noise"] = noise[name]
        headline[name] = scalars
    return headline


def _covers(interval: Mapping[str, float | None], truth: float) -> bool | None:
    """Say whether an interval holds the truth; None where there is no interval."""
    if interval["low"] is None:
        return None
    return interval["low"] <= truth <= interval["high"]


def _where_agreement_decides(
    arms: Sequence[str],
    rival: str,
    losses: Losses,
    test: Truth,
    params: EvaluationParams,
    seed: int,
) -> dict[str, dict[str, float | None]]:
    """Compare with a rival that does not read the prompt, where the prompt decides."""
    decided = agreement_decides(test.oracle, test.agreement)
    if not decided.any():
        return {}
    bootstrap = GroupBootstrap(test.groups[decided], params.resamples, seed)
    on_decided = {name: rows[:, decided] for name, rows in losses.items()}
    return as_mappings(compare_with(rival, arms, on_decided, bootstrap))


def as_mappings(differences: Mapping[str, Difference]) -> dict[str, dict[str, float | None]]:
    """Return the differences as JSON has them."""
    return {name: asdict(difference) for name, difference in differences.items()}
