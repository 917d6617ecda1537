"""Metrics on the test battles whose prompt is known from elsewhere, and on all others.

Pretrained weights may have seen a public battle. Then a model is too good on the battles with its
prompt. Their prompts may also be easier or harder than others: so the warning is not about the
model's log loss, but about its difference to the best reference, which has seen nothing but train.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from preference.battles.predictions import Predictions
from preference.battles.text_digests import digest_prompts
from preference.evaluation.model_noise import ModelNoise
from preference.evaluation.model_summary import row_losses
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.metric_estimates import estimate_metrics, resample_metrics
from preference.statistics.paired_tests import Difference, Losses, correct_by_holm
from preference.statistics.part_differences import difference_of_parts, excess_on_part

Runs = Mapping[str, Sequence[Predictions]]


def mark_known(prompts: pa.ChunkedArray, known: Collection[bytes]) -> np.ndarray:
    """Return whether a prompt, or its first turn, is among the known ones, bool [n].

    Args:
        prompts: lists of turns, list<string> [n].
        known: digests of known prompts and of their first turns, from `digest_prompts`.
    """
    whole, opening = digest_prompts(prompts.combine_chunks())
    pairs = zip(whole.to_pylist(), opening.to_pylist(), strict=True)
    return np.array([one in known or other in known for one, other in pairs], dtype=bool)


def score_by_known_prompt(
    known: np.ndarray,
    labels: np.ndarray,
    models: Runs,
    experiments: Sequence[str],
    reference: str,
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Any]:
    """Return every metric on both parts, and how much better each experiment is on the known one.

    Args:
        known: whether the prompt is known, bool [n].
        labels: int [n], or shares, float64 [n, 3].
        models: the predictions of each training run, by model.
        experiments: the names of those among the models that may have seen the prompts.
        reference: the name of a model that cannot have seen them.
        bootstrap: over the groups of the n battles.
        noise: that of training.

    Returns:
        `rows`; `parts`, empty where either is; and `gains`: the mean difference of log loss to the
        reference on the known part minus that on the other one, negative where a model is better
        on known prompts. Gains are not tested where either part has too few groups; its
        `too_few_groups` then says so.
    """
    rows = int(known.sum())
    if not 0 < rows < len(labels):
        return {"rows": rows, "reference": reference, "parts": {}, "gains": {}}
    losses = {name: row_losses(labels, models[name]) for name in [*experiments, reference]}
    gains = _gains(known, losses, reference, bootstrap, noise)
    parts = {"known": known, "other": ~known}
    return {
        "rows": rows,
        "reference": reference,
        "parts": {
            name: _score_part(members, labels, models, bootstrap, noise)
            for name, members in parts.items()
        },
        "gains": {name: asdict(gain) for name, gain in gains.items()},
    }


def _gains(
    known: np.ndarray,
    losses: Losses,
    reference: str,
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Difference]:
    """Return the gain of each model but the reference, with Holm-adjusted p-values.

    The noise of training is that of what is tested: of each run's own gain.
    """
    weights = bootstrap.battle_weights
    deviation = noise.pool(
        {name: excess_on_part(of_model, known, weights) for name, of_model in losses.items()}
    )
    return correct_by_holm(
        {
            name: difference_of_parts(
                of_model,
                losses[reference],
                known,
                bootstrap,
                noise.of_difference(name, reference, deviation),
            )
            for name, of_model in losses.items()
            if name != reference
        }
    )


def _score_part(
    members: np.ndarray,
    labels: np.ndarray,
    models: Runs,
    whole: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Any]:
    groups, seed = whole.groups[members], whole.random.integers(2**31)
    weights = None if whole.battle_weights is None else whole.battle_weights[members]
    bootstrap = GroupBootstrap(groups, whole.resamples, int(seed), weights=weights)
    as_they_are = GroupBootstrap(groups, resamples=0, seed=0, weights=weights)
    parts = {name: [_take(run, members) for run in runs] for name, runs in models.items()}
    measured = {
        name: [resample_metrics(labels[members], run, as_they_are) for run in runs]
        for name, runs in parts.items()
    }
    deviations = {
        metric: noise.pool(
            {name: np.array([run[metric][0] for run in runs]) for name, runs in measured.items()}
        )
        for metric in next(iter(measured.values()))[0]
    }
    scores = {}
    for name, runs in parts.items():
        errors = {metric: noise.of_model(name, one) for metric, one in deviations.items()}
        estimates = estimate_metrics(labels[members], runs, bootstrap, errors)
        scores[name] = {metric: asdict(estimate) for metric, estimate in estimates.items()}
    return {
        "rows": int(members.sum()),
        "groups": len(np.unique(groups)),
        "too_few_groups": explain_few_groups(groups, weights),
        "models": scores,
    }


def _take(predictions: Predictions, members: np.ndarray) -> Predictions:
    return Predictions(
        predictions.ids[members], predictions.probabilities[members], predictions.swapped[members]
    )
