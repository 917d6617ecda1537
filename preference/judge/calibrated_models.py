"""Predict with what a bundle holds, one model or a blend, and calibrate what it predicts.

A blend is the weighted mean of its members' calibrated probabilities, with a temperature of its
own, as `preference.evaluation.scoring` computes it from files of predictions.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from preference.battles.predictions import average_both_orders, check_probabilities
from preference.battles.table import FIELDS
from preference.bundle.blend_loading import BlendBundle
from preference.bundle.loading import Bundle
from preference.bundle.manifest import TOKENIZER
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
# Returns calibrated probabilities, float64 [battles, 3].
Predict = Callable[[Battles, Advance], np.ndarray]


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
        self._predictor = Predictor(bundle.model, bundle.manifest.packing)
        self._both_orders = both_orders
        self._temperature = _temperature(bundle.manifest.calibration, both_orders)

    def __call__(self, battles: Battles, advance: Advance) -> np.ndarray:
        return self.predict_tokens(tokenize_conversations(battles, self.tokenizer), advance)

    def predict_tokens(self, tokens: Tokens, advance: Advance) -> np.ndarray:
        """Predict all battles that have tokens, in their order: float64 [battles, 3]."""
        predictions = self._predictor.predict(tokens, tokens.battle_ids, advance)
        if self._both_orders:
            predictions = average_both_orders(predictions)
        return apply_temperature(predictions.probabilities, self._temperature)


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
        self._references = [
            (blended.weight.of(both_orders), reference, temperature)
            for reference, blended in bundle.references
            for fitted in [blended.temperature]
            for temperature in [fitted.both_orders if both_orders else fitted.in_order]
            if blended.weight.of(both_orders)
        ]

    def __call__(self, battles: Battles, advance: Advance) -> np.ndarray:
        mix = np.zeros((len(battles), 3))
        shared = _share(advance, sum(map(len, self._networks.values())))
        for networks in self._networks.values():
            tokens = tokenize_conversations(battles, networks[0][1].tokenizer)
            for weight, network in networks:
                probabilities = network.predict_tokens(tokens, shared)
                check_probabilities(network.name, probabilities)
                mix += weight * probabilities
        for weight, reference, temperature in self._references:
            mix += weight * apply_temperature(_predict(reference, battles), temperature)
        return apply_temperature(mix, self._temperature)


def _temperature(calibration: Calibration, both_orders: bool) -> float:
    return (calibration.both_orders if both_orders else calibration.in_order).temperature


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


def _predict(reference: "Reference", battles: Battles) -> np.ndarray:
    # It imports scikit-learn, which models without references do not need.
    from preference.references.models import predict_reference

    columns = {name: [battle[name] for battle in battles] for name in FIELDS}
    table = pa.table({"id": np.arange(len(battles)), **columns})
    return predict_reference(reference, table).probabilities
