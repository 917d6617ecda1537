"""Predict with what a bundle holds, one model or a blend, and calibrate what it predicts.

A blend is the weighted mean of its members' calibrated probabilities, with a temperature of its
own, as `preference.evaluation.scoring` computes it from files of predictions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from preference.battles.predictions import (
    Predictions,
    average_both_orders,
    check_predictions,
    map_probabilities,
    rule_out_ties,
)
from preference.battles.table import FIELDS
from preference.bundle.blend_loading import BlendBundle
from preference.bundle.loading import Bundle
from preference.bundle.manifest import TOKENIZER
from preference.features.feature_rows import compute_rows
from preference.prediction.predictor import Predictor
from preference.sequences.token_store import Tokens
from preference.statistics.calibration import Calibration
from preference.statistics.temperature_scaling import apply_temperature
from preference.tokenizers.tokenize import tokenize_conversations

if TYPE_CHECKING:
    from preference.references.models import Reference

Battles = Sequence[Mapping[str, Sequence[str]]]
# Called with the number of answers that were predicted since the last call.
Advance = Callable[[int], object]
# Returns calibrated predictions, whose ids are the positions of the battles.
Predict = Callable[[Battles, Advance], Predictions]


def open_model(bundle: Bundle | BlendBundle, both_orders: bool) -> Predict:
    """Return the function that predicts battles with a bundle.

    Args:
        bundle: of one model or of a blend.
        both_orders: average the predictions of both orders of the answers.
    """
    if isinstance(bundle, BlendBundle):
        return _Blend(bundle, both_orders)
    return _Network(bundle, both_orders)


class _Network:
    """A single model with its temperature."""

    def __init__(self, bundle: Bundle, both_orders: bool) -> None:
        self.name, self.tokenizer = bundle.manifest.name, bundle.tokenizer
        self.normalization = bundle.normalization
        self._predictor = Predictor(bundle.model, bundle.manifest.packing)
        self._both_orders = both_orders
        self._has_ties = bundle.manifest.has_ties
        self._temperature = _temperature(bundle.manifest.calibration, both_orders)

    def __call__(self, battles: Battles, advance: Advance) -> Predictions:
        tokens = tokenize_conversations(battles, self.tokenizer)
        rows = compute_rows(_as_table(battles)) if self.normalization else None
        return self.predict_tokens(tokens, rows, advance)

    def predict_tokens(
        self, tokens: Tokens, rows: np.ndarray | None, advance: Advance
    ) -> Predictions:
        """Predict all battles that have tokens, in their order.

        Args:
            tokens: of the battles.
            rows: the dense features of the battles, for a network that reads them.
            advance: called with the number of answers that were predicted since the last call.
        """
        features = None
        if self.normalization and rows is not None:
            features = self.normalization.normalize(rows)
        predictions = self._predictor.predict(tokens, tokens.battle_ids, advance, features)
        has_ties = np.full(len(predictions.ids), self._has_ties)
        predictions = rule_out_ties(predictions, has_ties)
        if self._both_orders:
            predictions = average_both_orders(predictions)
        return _apply_temperature(predictions, self._temperature)


class _Blend:
    """The weighted mean of several models; those without a weight are not used."""

    def __init__(self, bundle: BlendBundle, both_orders: bool) -> None:
        self._temperature = _temperature(bundle.manifest.calibration, both_orders)
        # Members with the same tokenizer share the tokens of a battle.
        self._networks: dict[frozenset[tuple[str, str]], list[tuple[float, _Network]]] = {}
        for member, weights in bundle.members:
            if weights.of(both_orders):
                weighted = weights.of(both_orders), _Network(member, both_orders)
                self._networks.setdefault(_tokenizer_files(member), []).append(weighted)
        self._reads_features = any(
            network.normalization for networks in self._networks.values() for _, network in networks
        )
        self._references = [
            (blended.weight.of(both_orders), reference, temperature)
            for reference, blended in bundle.references
            for fitted in [blended.temperature]
            for temperature in [fitted.both_orders if both_orders else fitted.in_order]
            if blended.weight.of(both_orders)
        ]

    def __call__(self, battles: Battles, advance: Advance) -> Predictions:
        ids = np.arange(len(battles))
        in_order, swapped = np.zeros((2, len(battles), 3))
        for name, weight, predictions in self._predict_parts(battles, advance):
            check_predictions(name, predictions, ids)
            in_order += weight * predictions.probabilities
            swapped += weight * predictions.swapped
        return _apply_temperature(Predictions(ids, in_order, swapped), self._temperature)

    def _predict_parts(
        self, battles: Battles, advance: Advance
    ) -> Iterator[tuple[str, float, Predictions]]:
        """Yield the name, weight and calibrated predictions of each model that is mixed."""
        shared = _share(advance, sum(map(len, self._networks.values())))
        rows = compute_rows(_as_table(battles)) if self._reads_features else None
        for networks in self._networks.values():
            tokens = tokenize_conversations(battles, networks[0][1].tokenizer)
            for weight, network in networks:
                yield network.name, weight, network.predict_tokens(tokens, rows, shared)
        for weight, reference, temperature in self._references:
            predictions = _predict(reference, battles)
            yield reference.name, weight, _apply_temperature(predictions, temperature)


def _temperature(calibration: Calibration, both_orders: bool) -> float:
    return (calibration.both_orders if both_orders else calibration.in_order).temperature


def _apply_temperature(predictions: Predictions, temperature: float) -> Predictions:
    return map_probabilities(predictions, partial(apply_temperature, temperature=temperature))


def _tokenizer_files(bundle: Bundle) -> frozenset[tuple[str, str]]:
    files = bundle.manifest.files.items()
    return frozenset(file for file in files if file[0].startswith(f"{TOKENIZER}/"))


def _share(advance: Advance, networks: int) -> Advance:
    """Return a function that reports an answer when all networks together have read it."""
    read = 0

    def count(answers: int) -> None:
        nonlocal read
        before, read = read // networks, read + answers
        advance(read // networks - before)

    return count


def _predict(reference: "Reference", battles: Battles) -> Predictions:
    # It imports scikit-learn, which models without references do not need.
    from preference.references.models import predict_reference

    return predict_reference(reference, _as_table(battles))


def _as_table(battles: Battles) -> pa.Table:
    columns = {name: [battle[name] for battle in battles] for name in FIELDS}
    return pa.table({"id": np.arange(len(battles)), **columns})
