"""Compare the variants of the GPU benchmark with our layers on JAX, and fail where they differ."""

import keras
import numpy as np

from checks.benchmarks.gpu.attention_check import attention_errors
from checks.benchmarks.gpu.variants import VARIANTS
from preference.models.fused.dropout import BITS, Dropout

# Relative to the largest value of each output and gradient, in float32.
TOLERANCE = 2e-5
RATE = 0.25


def compare_attention(name):
    # A length that no block of 128 queries divides, and the last quarter of a row is padding.
    errors = attention_errors(VARIANTS[name].applied(), "float32", length=96)
    assert errors["attention_error"] < TOLERANCE, (name, errors)


def compare_dropout(name):
    """Each element is dropped with the rate, and the expectation stays."""
    inputs = np.ones((64, 500), "float32")
    with VARIANTS[name].applied():
        layer = Dropout(RATE, seed=7)
        first, second = (np.asarray(layer(inputs, training=True)) for _ in range(2))
        assert (np.asarray(layer(inputs, training=False)) == inputs).all()
    assert set(np.unique(first)) == {0, np.float32(1 / (1 - RATE))}
    assert layer.threshold == RATE * 2**BITS
    deviation = (RATE * (1 - RATE) / inputs.size) ** 0.5
    assert abs((first == 0).mean() - RATE) < 5 * deviation
    # Another step draws others.
    assert abs(((first == 0) & (second == 0)).mean() - RATE**2) < 5 * deviation


def main():
    assert keras.backend.backend() == "jax"
    for name, variant in VARIANTS.items():
        if variant.is_checked:
            compare_attention(name)
        if variant.dropout:
            compare_dropout(name)
    print("compared")


if __name__ == "__main__":
    main()
