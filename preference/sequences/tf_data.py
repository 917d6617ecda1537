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
        generate: starts again at the first batch.
        signature: nested as a batch is, of tensor specifications.
        number: of batches, or `tf.data.INFINITE_CARDINALITY`; None where it differs each time.
    """
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    if number is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(number))
    return dataset.prefetch(PREFETCHED_BATCHES).with_options(_without_autotune())


def _without_autotune() -> tf.data.Options:
    """There is nothing to tune, and the tuner's thread ends late.

    It sleeps 10, 20, 40 ... ms, and about every other stream waited at its end for it to wake:
    after 3.5 s of work for 1.6 s, after minutes of work for up to one more.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
