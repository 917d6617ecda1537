"""Dropout on JAX from 8 random bits for each element, as in our layer on TensorFlow."""

import jax
from jax import numpy as jnp

from preference.models.fused.dropout import BITS, Dropout

# How often the 64 bits of a Keras seed are repeated in the key of a generator.
KEY_REPETITIONS = {"threefry2x32": 1, "unsafe_rbg": 2}


def random_bits(seed: jax.Array, shape: tuple[int, ...], implementation: str) -> jax.Array:
    """Draw uint8 for each element.

    Args:
        seed: the seed of a Keras seed generator, uint32 [2].
        shape: the shape of the result.
        implementation: a random generator of JAX, one of `KEY_REPETITIONS`.
    """
    data = jnp.tile(seed, KEY_REPETITIONS[implementation])
    return jax.random.bits(jax.random.wrap_key_data(data, impl=implementation), shape, "uint8")


def drop_with_bits(
    self: Dropout, inputs: jax.Array, training: bool = False, *, implementation: str
) -> jax.Array:
    """Replace `Dropout.call`."""
    if not training or self.rate == 0:
        return inputs
    bits = random_bits(self.seed_generator.next(), inputs.shape, implementation)
    scale = 1 / (1 - self.threshold / 2**BITS)
    return jnp.where(bits >= self.threshold, inputs * scale, jnp.zeros_like(inputs))
