"""`tf.data` streams of batches made in the background, with one signature for all widths."""

from collections.abc import Callable, Iterator

import tensorflow as tf

PREFETCHED_BATCHES = 4


def input_signature(*shape: int | None) -> dict[str, tf.TensorSpec]:
    """Return the signature of `token_ids` and `padding_mask` of this shape."""
    return {name: tf.TensorSpec(shape, tf.int32) for name in ("token_ids", "padding_mask")}


def stream_batches(
    generate: Callable[[], Iterator[object]], signature: object, number: int | None = None
) -> tf.data.Dataset:
    """Return a stream that makes the next batches while the model works on this one.

    Args:
        generate: returns an iterator over all batches, each time the stream is read.
        signature: tensor specifications, nested as a batch.
        number: of batches, or `tf.data.INFINITE_CARDINALITY`; None if it varies.
    """
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    if number is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(number))
    return dataset.prefetch(PREFETCHED_BATCHES).with_options(_without_autotune())


def _without_autotune() -> tf.data.Options:
    """Return options without autotuning, whose thread delays the end of a stream.

    The thread sleeps 10, 20, 40, … ms. About every second stream waited at its end until the thread
    woke up: 1.6 s after 3.5 s of work, up to a minute after minutes of work.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
