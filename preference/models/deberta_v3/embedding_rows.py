"""Embedding lookup on JAX with a gradient that is deterministic and fast on a GPU.

The gradient of a lookup adds the rows that have equal ids. XLA does this by a scatter. If a GPU
must add in a fixed order (`--xla_gpu_deterministic_ops`), the scatter sorts single numbers, not
rows: 27 of 95 milliseconds of a training step (docs/results/benchmarks-gpu.md). Here the rows are
sorted, or the lookup is a matrix product.
"""

from collections.abc import Callable
from functools import cache

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
class ReversibleEmbedding(keras.layers.ReversibleEmbedding):
    """`keras.layers.ReversibleEmbedding`; on JAX with the gradient of this module.

    It has the stock layer's name, because Keras finds weights in a file by class names.
    """

    def call(self, inputs: keras.KerasTensor, reverse: bool = False) -> keras.KerasTensor:
        """Return the vectors of the ids `inputs`: (batch, length, outputs)."""
        if reverse or keras.backend.backend() != "jax":
            return super().call(inputs, reverse=reverse)
        return ops.cast(_lookup_on_jax()(self.embeddings.value, inputs), self.compute_dtype)


def take_few_rows(table: keras.KerasTensor, ids: keras.KerasTensor) -> keras.KerasTensor:
    """Return `table[ids]` for a table (rows, ...) with few rows.

    On JAX this is a product with a one-hot matrix: it is exact, and its gradient is a product too.
    """
    if keras.backend.backend() != "jax":
        return ops.take(table, ids, axis=0)
    rows, *features = table.shape
    chosen = ops.one_hot(ops.reshape(ids, (-1,)), rows, dtype=table.dtype)
    taken = ops.matmul(chosen, ops.reshape(table, (rows, -1)))
    return ops.reshape(taken, (*ids.shape, *features))


@cache
def _lookup_on_jax() -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """Return `lookup(table, ids)` with its own gradient. It imports JAX, which is optional."""
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
        # Partial sums get distinct places beyond the end of the table, where they are dropped.
        places = jnp.where(ends, ids, count + jnp.arange(len(ids)))
        empty = jnp.zeros((count, rows.shape[1]), rows.dtype)
        return empty.at[places].set(sums, mode="drop", unique_indices=True)

    def _add_within(left: tuple, right: tuple) -> tuple:
        begins, sums = right
        return left[0] | begins, jnp.where(begins, sums, left[1] + sums)

    lookup.defvjp(forward, backward)
    return lookup
