"""Rows of an embedding on JAX, whose gradients a GPU sums in one order without being slow.

The gradient of a lookup adds rows whose ids are equal. XLA adds them by a scatter; where a GPU must
do so in one order (`--xla_gpu_deterministic_ops`), it sorts every single number by its place: 27 of
95 milliseconds of a training step (docs/results/benchmarks-gpu.md). The rows are few, so that they
are sorted here, or multiplied.
"""

from functools import cache

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
class ReversibleEmbedding(keras.layers.ReversibleEmbedding):
    """`keras.layers.ReversibleEmbedding`; on JAX with the gradient above.

    It has the stock layer's name, because Keras finds weights in a file by the names of classes.
    """

    def call(self, inputs: keras.KerasTensor, reverse: bool = False) -> keras.KerasTensor:
        """Return the vectors of the ids `inputs`: (batch, length, outputs)."""
        if reverse or keras.backend.backend() != "jax":
            return super().call(inputs, reverse=reverse)
        return ops.cast(_lookup_on_jax()(self.embeddings.value, inputs), self.compute_dtype)


def take_few_rows(table: keras.KerasTensor, ids: keras.KerasTensor) -> keras.KerasTensor:
    """Return `table[ids]` of a table (rows, ...) of few rows.

    On JAX by a product with ones and zeros. It is exact, and its gradient is a product, too.
    """
    if keras.backend.backend() != "jax":
        return ops.take(table, ids, axis=0)
    rows, *features = table.shape
    chosen = ops.one_hot(ops.reshape(ids, (-1,)), rows, dtype=table.dtype)
    taken = ops.matmul(chosen, ops.reshape(table, (rows, -1)))
    return ops.reshape(taken, (*ids.shape, *features))


@cache
def _lookup_on_jax() -> object:
    """Return `lookup(table, ids)`, with its own gradient; JAX may not be installed elsewhere."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def lookup(table: jax.Array, ids: jax.Array) -> jax.Array:
        return jnp.take(table, ids, axis=0)

    def forward(table: jax.Array, ids: jax.Array) -> tuple:
        return lookup(table, ids), (ids, jnp.zeros((table.shape[0], 0), table.dtype))

    def backward(kept: tuple, gradient: jax.Array) -> tuple:
        ids, like_table = kept
        gradient = gradient.reshape(-1, gradient.shape[-1]).astype(like_table.dtype)
        return _sums_by_id(ids.reshape(-1), gradient, like_table.shape[0]), None

    def _sums_by_id(ids: jax.Array, rows: jax.Array, count: int) -> jax.Array:
        order = jnp.argsort(ids, stable=True)
        ids, rows = ids[order], rows[order]
        begins = jnp.concatenate([jnp.ones(1, bool), ids[1:] != ids[:-1]])[:, None]
        _, sums = jax.lax.associative_scan(_add_within, (begins, rows))
        ends = jnp.concatenate([ids[1:] != ids[:-1], jnp.ones(1, bool)])
        # The others are sent beyond the table, each to a place of its own, and dropped there.
        places = jnp.where(ends, ids, count + jnp.arange(len(ids)))
        empty = jnp.zeros((count, rows.shape[1]), rows.dtype)
        return empty.at[places].set(sums, mode="drop", unique_indices=True)

    def _add_within(left: tuple, right: tuple) -> tuple:
        begins, sums = right
        return left[0] | begins, jnp.where(begins, sums, left[1] + sums)

    lookup.defvjp(forward, backward)
    return lookup
