"""Compare our backbone with the stock one on JAX, and fail where they differ."""

import re
import sys

import jax
import keras
import keras_nlp
import numpy as np

from preference.models.deberta_v3.backbone import with_fast_attention


def loss_and_gradient(model, inputs, direction):
    """Return the outputs, the gradient of their product with `direction`, and the program."""
    states = [variable.value for variable in model.non_trainable_variables]

    def loss(weights):
        outputs, _ = model.stateless_call(weights, states, inputs, training=False)
        return (outputs * direction).sum(), outputs

    weights = [variable.value for variable in model.trainable_variables]
    program = jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(weights)
    (_, outputs), gradients = program.compile()(weights)
    paths = [variable.path for variable in model.trainable_variables]
    return np.asarray(outputs), dict(zip(paths, gradients, strict=True)), program.as_text()


def scatters_to_equal_places(program):
    """Return how many scatters may add to one place twice, which GPUs do slowly in one order."""
    scatters = re.findall(r"stablehlo\.scatter\b.*", program)
    return sum("unique_indices = true" not in scatter for scatter in scatters)


def compare(length):
    assert keras.backend.backend() == "jax"
    stock = keras_nlp.models.DebertaV3Backbone(
        vocabulary_size=60,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        # Pretrained models have 256 and 512; at 1,024 tokens distances are clipped.
        bucket_size=256,
        max_sequence_length=512,
        name="backbone",
    )
    random = np.random.default_rng(length)
    for weight in stock.weights:
        mean = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(random.normal(mean, 0.3, size=weight.shape))
    ours = with_fast_attention(stock)
    token_ids = random.integers(1, 60, size=(2, length))
    padding_mask = np.ones((2, length), dtype="int32")
    padding_mask[1, -(length // 4) :] = 0
    inputs = {"token_ids": token_ids * padding_mask, "padding_mask": padding_mask}
    direction = random.normal(size=(2, length, 16)) * padding_mask[:, :, None] / length
    expected, gradients, stock_program = loss_and_gradient(stock, inputs, direction)
    found, ours_gradients, program = loss_and_gradient(ours, inputs, direction)
    assert scatters_to_equal_places(stock_program) > 0
    assert scatters_to_equal_places(program) == 0
    real = padding_mask.astype(bool)
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=2e-5)
    assert gradients.keys() == ours_gradients.keys()
    for path, gradient in gradients.items():
        atol = 2e-4 * np.abs(gradient).max() + 1e-6
        np.testing.assert_allclose(ours_gradients[path], gradient, atol=atol, err_msg=path)
    print(f"{length} tokens: compared")


if __name__ == "__main__":
    for length in sys.argv[1:]:
        compare(int(length))
