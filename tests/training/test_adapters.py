"""Only additions and head learn; what is saved is a model like any other, and computes the same."""

from types import SimpleNamespace

import keras
import keras_nlp
import numpy as np
import pytest
from keras import ops
from small_model import HIDDEN, make_inputs, make_model, train_params

from preference.models.preference_model import backbone_of
from preference.models.saved_model import load_model, save_model
from preference.models.single_segment import with_single_segment
from preference.runtime.errors import BadInput
from preference.training.adapters import add_adapters, merge_adapters
from preference.training.training_step import compile_step

RANK, WIDE = 2, 16
# One encoder layer of the small model has four matrices in its attention, and two after it.
MATRICES = 6


def by_path(model):
    return {weight.path: weight.numpy() for weight in model.weights}


def logits_of(model):
    return ops.convert_to_numpy(model(make_inputs(), training=False))


@pytest.fixture(scope="module")
def untrained():
    return make_model()


@pytest.fixture(scope="module")
def trained():
    """Weights and logits of a model with additions after a few steps, and the merged model."""
    model = make_model()
    add_adapters(model, RANK)
    compile_step(model, train_params(warmup_share=0.0), steps=10, weighted=False)
    for _ in range(3):
        model.train_on_batch(make_inputs(), np.eye(3)[[0, 1, 2, 0, 1]])
    learning = {weight.path for weight in model.trainable_weights}
    weights, logits = by_path(model), logits_of(model)
    merged = merge_adapters(model)
    return SimpleNamespace(weights=weights, learning=learning, logits=logits, merged=merged)


def with_random_additions(backbone=None):
    """Return a model whose additions are as large as after training."""
    model, random = make_model(backbone=backbone), np.random.default_rng(5)
    add_adapters(model, RANK)
    for weight in model.weights:
        if weight.name == "lora_kernel_b":
            weight.assign(random.normal(size=weight.shape))
    return model


def test_additions_and_head_learn_and_nothing_else(trained, untrained):
    before, after = by_path(untrained), trained.weights
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert changed == {weight.path for weight in untrained.get_layer("head").weights}
    # B starts with zeros alone, and every one of them has been trained.
    added = {path: after[path] for path in after.keys() - before.keys()}
    assert len(added) == 2 * MATRICES and all(np.abs(each).min() > 0 for each in added.values())
    assert trained.learning == changed | added.keys()


def test_the_merged_matrices_are_the_first_ones_and_the_product(trained, untrained):
    kernels = 0
    for weight, untouched in zip(trained.merged.weights, untrained.weights, strict=True):
        path, change = untouched.path, weight.numpy() - untouched.numpy()
        a, b = (trained.weights.get(f"{path[:-6]}lora_kernel_{letter}") for letter in "ab")
        if not path.endswith("kernel") or a is None:
            np.testing.assert_array_equal(weight.numpy(), trained.weights[path], err_msg=path)
            continue
        np.testing.assert_allclose(change, np.einsum("...r,ro->...o", a, b), atol=1e-6)
        for matrix in np.moveaxis(change, 1, 0) if change.ndim == 3 else [change]:
            assert np.linalg.matrix_rank(matrix, tol=1e-5) == RANK, path
        kernels += 1
    assert kernels == MATRICES
    np.testing.assert_allclose(logits_of(trained.merged), trained.logits, atol=1e-5)


def test_what_is_saved_is_built_as_without_additions(trained, untrained, tmp_path):
    for name, model in (("trained", trained.merged), ("untrained", untrained)):
        save_model(model, tmp_path / name)
    found, expected = (
        (tmp_path / name / "model.json").read_text() for name in ("trained", "untrained")
    )
    assert found == expected
    np.testing.assert_allclose(
        logits_of(load_model(tmp_path / "trained")), trained.logits, atol=1e-5
    )


def test_bert_gets_additions_too():
    backbone = keras_nlp.models.BertBackbone(
        vocabulary_size=40, num_layers=1, num_heads=2, hidden_dim=HIDDEN, intermediate_dim=WIDE
    )
    model = with_random_additions(with_single_segment(backbone))
    # Query, key and value have an A for each of two heads; the output of the attention has not.
    attention = 3 * RANK * (2 * HIDDEN + HIDDEN // 2) + RANK * 2 * HIDDEN
    learning = attention + 2 * RANK * (HIDDEN + WIDE) + model.get_layer("head").count_params()
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == learning
    expected = logits_of(model)
    merged = merge_adapters(model)
    assert "lora" not in " ".join(by_path(merged))
    np.testing.assert_allclose(logits_of(merged), expected, atol=1e-5)


def test_in_mixed_precision_too_they_are_merged_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = with_random_additions()
        before, after = by_path(model), by_path(merge_adapters(model))
    finally:
        keras.config.set_dtype_policy("float32")
    path = next(path for path in after if path.endswith("attention_output/kernel"))
    a, b = (before[path.replace("kernel", f"lora_kernel_{letter}")] for letter in "ab")
    np.testing.assert_allclose(after[path], before[path] + a @ b, rtol=1e-5, atol=1e-6)


def test_the_random_matrices_are_those_of_the_seed():
    firsts = []
    for seed in (3, 3, 4):
        model = make_model(seed=seed)
        add_adapters(model, RANK)
        firsts.append([one.numpy() for one in model.weights if one.name == "lora_kernel_a"])
    for one, same, other in zip(*firsts, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)


def test_training_begins_with_the_network_as_it_was(untrained):
    model = make_model()
    add_adapters(model, RANK)
    np.testing.assert_array_equal(logits_of(model), logits_of(untrained))


def test_a_rank_that_is_too_large_is_told():
    with pytest.raises(BadInput, match=r"train\.lora_rank: 5 is more than 4, the full rank"):
        add_adapters(make_model(), 5)


def test_without_a_rank_nothing_is_added_or_merged(untrained):
    paths = by_path(untrained).keys()
    add_adapters(untrained, None)
    assert merge_adapters(untrained) is untrained
    assert by_path(untrained).keys() == paths and backbone_of(untrained).trainable
