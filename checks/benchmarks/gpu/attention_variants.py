"""Other implementations of our attention on JAX, with the same outputs and gradients.

Each function replaces a method of `DisentangledSelfAttention`.
"""

import jax
from jax import numpy as jnp
from keras import ops

from checks.benchmarks.gpu.dropout_variants import random_bits
from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.fused.dropout import BITS


def call_with_fused_attention(
    self: DisentangledSelfAttention,
    inputs: jax.Array,
    rel_embeddings: jax.Array,
    positions: jax.Array,
    padding_mask: jax.Array,
    training: bool | None = None,
) -> jax.Array:
    """Replace `call`: the position scores are the bias of JAX's fused attention.

    Before JAX 0.11, cuDNN silently gives no gradient of a bias that differs between rows.
    """
    query = self._query_dense(inputs) * self.scale
    key, value = self._key_dense(inputs), self._value_dense(inputs)
    rel_embeddings = self._position_dropout(rel_embeddings, training=training)[None]
    rel_key = self._key_dense(rel_embeddings)[0]
    rel_query = self._query_dense(rel_embeddings)[0] * self.scale
    bias = self._scores_by_position(self._heads_first(query), rel_key, positions[0])
    from_position = self._scores_by_position(self._heads_first(key), rel_query, positions[1])
    attended = jax.nn.dot_product_attention(
        query,
        key,
        value,
        bias=bias + ops.swapaxes(from_position, 2, 3),
        mask=padding_mask.astype(bool)[:, None, None, :],
        scale=1.0,
        implementation="cudnn" if jax.default_backend() == "gpu" else "xla",
    )
    return self._output_dense(ops.reshape(attended, ops.shape(inputs)))


def attend_without_dropout(
    self: DisentangledSelfAttention, scores: jax.Array, value: jax.Array, training: bool | None
) -> jax.Array:
    """Replace `_attend`, without dropout of attention probabilities."""
    weights = ops.cast(ops.softmax(ops.cast(scores, "float32")), self.compute_dtype)
    return ops.matmul(weights, value)


def attend_with_softmax_product(
    self: DisentangledSelfAttention, scores: jax.Array, value: jax.Array, training: bool | None
) -> jax.Array:
    """Replace `_attend` with the algorithm of `preference.models.fused.attention_softmax`."""
    if not training:
        return attend_without_dropout(self, scores, value, training)
    dropout = self._attention_dropout
    if not dropout.rate:
        factors = jnp.ones((), scores.dtype)
    else:
        bits = random_bits(dropout.seed_generator.next(), scores.shape, "unsafe_rbg")
        kept = (bits >= dropout.threshold).astype(scores.dtype)
        factors = kept * (1 / (1 - dropout.threshold / 2**BITS))
    return _softmax_product(scores, value, factors)


@jax.custom_vjp
def _softmax_product(scores: jax.Array, value: jax.Array, factors: jax.Array) -> jax.Array:
    """Return `(softmax(scores) * factors) @ value`: (batch, heads, n, head_dim)."""
    return _forward(scores, value, factors)[0]


def _forward(scores: jax.Array, value: jax.Array, factors: jax.Array) -> tuple:
    weights = jax.nn.softmax(scores.astype("float32")).astype(scores.dtype)
    output = (weights * factors) @ value
    return output, (weights, value, factors, output)


def _backward(kept: tuple, upstream: jax.Array) -> tuple:
    """Return the gradients of scores and values; see FlashAttention (arXiv:2205.14135), B.4."""
    weights, value, factors, output = kept
    of_weights = (upstream @ jnp.swapaxes(value, 2, 3)).astype("float32") * factors
    mean = (output.astype("float32") * upstream.astype("float32")).sum(axis=-1, keepdims=True)
    of_scores = (weights.astype("float32") * (of_weights - mean)).astype(weights.dtype)
    of_value = jnp.swapaxes(weights * factors, 2, 3) @ upstream
    return of_scores, of_value, None


_softmax_product.defvjp(_forward, _backward)
