"""Compute the pooled vectors of both sides of battles, in batches of sides of similar length."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from preference.models.preference_model import encoder_of
from preference.runtime.tensorflow_runtime import keep_freed_memory
from preference.sequences.length_bucketing import padded_widths, sorted_batches
from preference.sequences.packing import Inputs, Packing, pack_sequences, packed_lengths
from preference.sequences.tf_data import input_signature, stream_batches
from preference.sequences.token_store import Tokens

# 8 sequences of 1,024 tokens: with 12 heads, 400 MB a tensor of float32 scores.
TOKENS_PER_BATCH = 8192
SIGNATURE = input_signature(None, None)


class SideEncoder:
    """The backbone and the pool of a model, traced once for any number of calls.

    Args:
        model: as `build_model` makes it.
        packing: how a battle becomes two sequences.
    """

    def __init__(self, model: keras.Model, packing: Packing) -> None:
        keep_freed_memory()
        self._packing = packing
        self._encode = _trace(encoder_of(model))
        self._batches: Iterator[Inputs] = iter(())
        # One stream for all calls, because TensorFlow never frees some memory of a stream.
        self._stream = stream_batches(lambda: self._batches, SIGNATURE)

    def encode(
        self, tokens: Tokens, rows: np.ndarray, advance: Callable[[int], object]
    ) -> np.ndarray:
        """Return the pooled vectors of both sides of battles: float32 [rows, 2, hidden].

        Args:
            tokens: of these battles, and maybe of others.
            rows: of the battles in `tokens`, int64, at least one.
            advance: called with the number of answers read since its last call.
        """
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
