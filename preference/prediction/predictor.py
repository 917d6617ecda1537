"""Predict battles with a trained model, in both orders of the answers.

The backbone reads every side once, in batches of similar length; the head then reads the pairs.
"""

from collections.abc import Callable, Iterator
from threading import Lock

import keras
import numpy as np
import tensorflow as tf
from scipy.special import softmax
from tqdm import tqdm

from preference.battles.predictions import Predictions
from preference.battles.table import A_WINS, B_WINS, TIE
from preference.models.preference_model import encoder_of, score_both_orders
from preference.runtime.tensorflow_runtime import keep_freed_memory
from preference.runtime.terminal_text import LONGEST_TASK, one_line
from preference.sequences.length_bucketing import padded_widths, sorted_batches
from preference.sequences.packing import SIDES, Inputs, Packing, pack_sequences, packed_lengths
from preference.sequences.tf_data import input_signature, stream_batches
from preference.sequences.token_store import Tokens

# 8 sequences of 1,024 tokens: with 12 heads, 400 MB a tensor of float32 scores.
TOKENS_PER_BATCH = 8192
SIGNATURE = input_signature(None, None)


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
        keep_freed_memory()
        self._model, self._packing = model, packing
        self._encode = _trace(encoder_of(model))
        self._batches: Iterator[Inputs] = iter(())
        self._lock = Lock()
        # One stream for all calls, because TensorFlow never frees some memory of a stream.
        self._stream = stream_batches(lambda: self._batches, SIGNATURE)

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
            pooled = self._encode_battles(tokens, tokens.rows_of(ids), advance)
        if features is not None:
            pooled = np.concatenate([pooled, features], axis=-1)
        in_order, swapped = score_both_orders(self._model, pooled)
        return Predictions(
            ids=ids,
            probabilities=softmax(in_order.astype(np.float64), axis=-1),
            swapped=softmax(swapped.astype(np.float64), axis=-1)[:, [B_WINS, A_WINS, TIE]],
        )

    def _encode_battles(
        self, tokens: Tokens, rows: np.ndarray, advance: Callable[[int], object]
    ) -> np.ndarray:
        """Return the pooled vectors of both sides of battles: float32 [rows, 2, hidden]."""
        packing = self._packing
        lengths = packed_lengths(tokens, rows, packing)
        battle, side = (index.ravel() for index in np.indices(lengths.shape))
        widths = padded_widths(lengths.ravel(), packing.seq_len)
        batches = sorted_batches(lengths.ravel(), widths, TOKENS_PER_BATCH)

        def generate() -> Iterator[Inputs]:
            for batch in batches:
                width = int(widths[batch[0]])
                yield pack_sequences(tokens, rows[battle[batch]], side[batch], packing, width)

        vectors = []
        self._batches = generate()
        for inputs in self._stream:
            vectors.append(self._encode(inputs).numpy())
            advance(len(vectors[-1]))
        order = np.argsort(np.concatenate(batches))
        return np.concatenate(vectors)[order].reshape(*lengths.shape, -1)


def _trace(encoder: keras.Model) -> Callable[[dict[str, tf.Tensor]], tf.Tensor]:
    """Make one graph for all shapes; Keras's `predict` would trace up to three."""

    @tf.function(input_signature=[SIGNATURE], autograph=False)
    def encode(inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.cast(encoder(inputs, training=False), tf.float32)

    return encode
