"""Predict battles with a trained model, in both orders of the answers.

The backbone reads every side once, in batches of similar length; the head then reads the pairs.
"""

from collections.abc import Callable
from threading import Lock

import keras
import numpy as np
from scipy.special import softmax
from tqdm import tqdm

from preference.battles.predictions import Predictions
from preference.battles.table import A_WINS, B_WINS, TIE
from preference.models.preference_model import score_both_orders
from preference.models.side_encoder import SideEncoder
from preference.runtime.terminal_text import LONGEST_TASK, one_line
from preference.sequences.packing import SIDES, Packing
from preference.sequences.token_store import Tokens


def predict_battles(
    model: keras.Model,
    tokens: Tokens,
    ids: np.ndarray,
    packing: Packing,
    name: str,
    features: np.ndarray | None = None,
) -> Predictions:
    """Predict the battles `ids` as `Predictor` does; the progress bar shows `name`."""
    task = one_line(f"predict {name}", LONGEST_TASK)
    with tqdm(total=len(ids) * len(SIDES), desc=task, unit=" answers") as progress:
        return Predictor(model, packing).predict(tokens, ids, progress.update, features)


class Predictor:
    """A model that is traced once for any number of predictions.

    Threads may share it; their predictions run one after the other.

    Args:
        model: as `build_model` makes it.
        packing: how a battle becomes two sequences.
    """

    def __init__(self, model: keras.Model, packing: Packing) -> None:
        self._model, self._encoder = model, SideEncoder(model, packing)
        self._lock = Lock()

    def predict(
        self,
        tokens: Tokens,
        ids: np.ndarray,
        advance: Callable[[int], object],
        features: np.ndarray | None = None,
    ) -> Predictions:
        """Predict the battles `ids`, int64 [n], at least one.

        Args:
            tokens: of these battles, and maybe of others.
            ids: of the battles, in the order of the predictions.
            advance: called with the number of answers read since its last call.
            features: of both sides of these battles, float32 [n, 2, features], for a model that
                reads features.

        Raises:
            BadInput: a battle has no tokens.
        """
        with self._lock:
            pooled = self._encoder.encode(tokens, tokens.rows_of(ids), advance)
        if features is not None:
            pooled = np.concatenate([pooled, features], axis=-1)
        in_order, swapped = score_both_orders(self._model, pooled)
        return Predictions(
            ids=ids,
            probabilities=softmax(in_order.astype(np.float64), axis=-1),
            swapped=softmax(swapped.astype(np.float64), axis=-1)[:, [B_WINS, A_WINS, TIE]],
        )
