"""Batches made in the background, as `tf.data` streams with one signature for all widths."""

from collections.abc import Callable, Iterator

import tensorflow as tf

PREFETCHED_BATCHES = 4


def input_signature(*shape: int | None) -> dict[str, tf.TensorSpec]:
    """Return the signature of `token_ids` and `padding_mask` of this shape."""
    return {name: tf.TensorSpec(shape, tf.int32) for name in ("token_ids", "padding_mask")}


def stream_batches(
    generate: Callable[[], Iterator[object]], signature: object, number: int | None = None
) -> tf.data.Dataset:
    """Make the next batches while the model works on this one.

    Args:
        generate: starts anew at the first batch.
        signature: nested as a batch is, of tensor specifications.
        number: of batches, or `tf.data.INFINITE_CARDINALITY`; None where it differs each time.
    """
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    if number is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(number))
    return dataset.prefetch(PREFETCHED_BATCHES)
