"""Our DeBERTa v3 backbone computes what the stock one of keras-nlp computes."""

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.deberta_v3.relative_positions import (
    RelativePositions,
    block_count,
    block_size,
    skew,
)

VOCABULARY = 60
SIZE = {
    "vocabulary_size": VOCABULARY,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 32,
    "dropout": 0.1,
}


def make_pair(folder, bucket_size, max_sequence_length=512):
    """Return the stock backbone and ours, with the weights that the stock one saved.

    The weights are random and large, biases and scales too, so that every one of them matters.
    """
    size = {**SIZE, "bucket_size": bucket_size, "max_sequence_length": max_sequence_length}
    stock = keras_nlp.models.DebertaV3Backbone(**size)
    random = np.random.default_rng(bucket_size)
    for weight in stock.weights:
        mean = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(random.normal(mean, 0.3, size=weight.shape))
    stock.save_weights(folder / "stock.weights.h5")
    ours = DebertaV3Backbone(**size)
    ours.load_weights(folder / "stock.weights.h5")
    return stock, ours


@pytest.fixture(scope="module", params=[(16, 512), (64, 512), (16, 100), (8, 2000)], ids=str)
def pair(request, tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("weights"), *request.param)


def make_inputs(length, seed=0):
    """Two rows: one full, one with a quarter of padding."""
    token_ids = np.random.default_rng(seed).integers(1, VOCABULARY, size=(2, length))
    padding_mask = np.ones((2, length), dtype="int32")
    padding_mask[1, -(length // 4) :] = 0
    return {"token_ids": token_ids * padding_mask, "padding_mask": padding_mask}


def real(outputs, inputs):
    return np.asarray(outputs)[inputs["padding_mask"].astype(bool)]


def by_name(model):
    """Return the weights by their path below the model."""
    return {weight.path.removeprefix(f"{model.name}/"): weight for weight in model.weights}


def test_weights_have_the_stock_names_shapes_and_values(pair):
    stock, ours = map(by_name, pair)
    assert stock.keys() == ours.keys()
    for name, weight in stock.items():
        assert np.array_equal(weight.numpy(), ours[name].numpy()), name


@pytest.mark.parametrize("length", [8, 40, 128, 300])
def test_outputs_are_the_stock_outputs(pair, length):
    stock, ours = pair
    inputs = make_inputs(length)
    np.testing.assert_allclose(
        real(ours(inputs), inputs), real(stock(inputs), inputs), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("bucket_size, max_sequence_length", [(16, 512), (64, 500), (256, 512)])
def test_outputs_at_1024_tokens(tmp_path, bucket_size, max_sequence_length):
    """Distances beyond the last bucket are clipped in the same way.

    64 with 512 is left out: the distance -511 is exactly in the last bucket but one, and the stock
    layer's float32 rounds it into the last.
    """
    stock, ours = make_pair(tmp_path, bucket_size, max_sequence_length)
    inputs = {name: values[1:] for name, values in make_inputs(1024).items()}
    np.testing.assert_allclose(
        real(ours(inputs), inputs), real(stock(inputs), inputs), rtol=0, atol=1e-5
    )


def test_positions_matter(pair):
    """Otherwise the comparisons with the stock backbone would not test positions."""
    _, ours = pair
    inputs = make_inputs(40)
    turned = inputs["token_ids"][:1, ::-1].copy()
    mask = inputs["padding_mask"][:1]
    forward = ours({"token_ids": inputs["token_ids"][:1], "padding_mask": mask})
    backward = ours({"token_ids": turned, "padding_mask": mask})
    assert np.abs(np.asarray(forward) - np.asarray(backward)[:, ::-1]).max() > 0.05


@pytest.mark.parametrize("length", [8, 300])
def test_gradients_are_the_stock_gradients(pair, length):
    inputs = make_inputs(length, seed=1)
    weights = inputs["padding_mask"][:, :, None] / inputs["padding_mask"].sum()
    direction = np.random.default_rng(2).normal(size=(2, length, SIZE["hidden_dim"]))
    gradients = []
    for model in pair:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=False)
            loss = tf.reduce_sum(outputs * tf.constant(weights * direction, tf.float32))
        found = tape.gradient(loss, [weight.value for weight in by_name(model).values()])
        gradients.append(dict(zip(by_name(model), found, strict=True)))
    for name, stock in gradients[0].items():
        expected, found = (tf.convert_to_tensor(one).numpy() for one in (stock, gradients[1][name]))
        # The bias of the keys does not change attention scores, so its gradient is rounding error.
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            found, expected, rtol=1e-3, atol=1e-4 * scale + 1e-6, err_msg=name
        )
        assert scale > 1e-5 or name.endswith("key/bias"), name


def test_padding_does_not_reach_real_tokens(pair):
    _, ours = pair
    inputs = make_inputs(40)
    other = inputs["token_ids"].copy()
    other[inputs["padding_mask"] == 0] = 7
    changed = {**inputs, "token_ids": other}
    assert np.array_equal(real(ours(inputs), inputs), real(ours(changed), inputs))


def test_more_padding_changes_nothing(pair):
    _, ours = pair
    inputs = make_inputs(40)
    wider = {name: np.pad(values, ((0, 0), (0, 24))) for name, values in inputs.items()}
    np.testing.assert_allclose(
        real(ours(wider), wider), real(ours(inputs), inputs), rtol=0, atol=1e-5
    )


def log_bucket(distance, bucket_size, max_position):
    """DeBERTa's bucket of one distance, from the paper's code, in float64."""
    middle = bucket_size // 2
    if abs(distance) <= middle:
        return distance
    steps = np.log(abs(distance) / middle) / np.log((max_position - 1) / middle) * (middle - 1)
    # Rounding decides where the logarithm is a whole number, so these distances are left out.
    if abs(steps - round(steps)) < 1e-4:
        return None
    return int(np.sign(distance)) * (int(np.ceil(steps)) + middle)


@pytest.mark.parametrize("length", [8, 40, 64, 200])
@pytest.mark.parametrize("bucket_size, max_length", [(16, 512), (64, 512), (16, 100), (32, 64)])
def test_relative_positions_are_debertas(bucket_size, max_length, length):
    windows = np.asarray(RelativePositions(bucket_size, max_length)(np.zeros((1, length))))
    block = windows.shape[2] - length
    checked = 0
    for row, column in np.ndindex(length, length):
        bucket = log_bucket(row - column, bucket_size, max_length)
        if bucket is not None:
            checked += 1
            expected = np.clip(bucket + bucket_size, 0, 2 * bucket_size - 1)
            # The rows of the first table are queries, those of the second are keys.
            assert windows[0, row // block, block - 1 - row % block + column] == expected
            assert windows[1, column // block, block - 1 - column % block + row] == expected
    assert checked > 0.9 * length**2


@pytest.mark.parametrize("length, block", [(8, 32), (32, 32), (96, 32), (192, 64), (512, 128)])
def test_blocks_hold_all_rows(length, block):
    assert block_size(length) == int(block_size(tf.constant(length))) == block
    assert block_count(length) * block >= length > (block_count(length) - 1) * block


def test_skew_by_hand():
    scores = np.arange(2 * 3 * 7).reshape(2, 3, 7)
    expected = [
        [[row * 21 + i * 7 + 2 - i + j for j in range(4)] for i in range(3)] for row in (0, 1)
    ]
    assert np.asarray(skew(scores)).tolist() == expected


def test_the_compiled_skew_and_its_gradient_are_those_of_the_definition():
    rows, block, window = 5, 3, 10
    generator = np.random.default_rng(1)
    scores = generator.standard_normal((rows, block, window)).astype("float32")
    upstream = generator.standard_normal((rows, block, window - block)).astype("float32")
    expected = np.zeros_like(scores)
    for row, i, j in np.ndindex(upstream.shape):
        expected[row, i, block - 1 - i + j] = upstream[row, i, j]
    tensor = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        compiled = skew(tensor, training=True)
    np.testing.assert_array_equal(compiled, skew(scores))
    np.testing.assert_array_equal(tape.gradient(compiled, tensor, upstream), expected)


def test_default_buckets_are_stock_at_every_distance():
    """Equal for pretrained sizes too, also at the distances where rounding decides."""
    distances = np.arange(-1500, 1501, dtype=np.int32)
    for bucket_size, max_length in [(256, 512), (16, 512), (128, 512), (64, 500)]:
        stock = keras_nlp.models.DebertaV3Backbone(
            **{**SIZE, "num_layers": 1}, bucket_size=bucket_size, max_sequence_length=max_length
        )
        attention = stock.transformer_layers[0]._self_attention_layer
        expected = np.asarray(attention._make_log_bucket_position(distances))
        found = np.asarray(RelativePositions(bucket_size, max_length)._bucket(distances))
        limits = (-bucket_size, bucket_size - 1)
        assert np.array_equal(np.clip(found, *limits), np.clip(expected, *limits))


def test_config_round_trip():
    ours = DebertaV3Backbone(
        **SIZE, bucket_size=12, max_sequence_length=90, initializer_range=0.3, name="mine"
    )
    config = ours.get_config()
    again = DebertaV3Backbone.from_config(config)
    assert again.get_config() == config
    wanted = {**SIZE, "bucket_size": 12, "max_sequence_length": 90, "initializer_range": 0.3}
    assert wanted.items() <= config.items()
    again.set_weights(ours.get_weights())
    inputs = make_inputs(40)
    assert np.array_equal(np.asarray(ours(inputs)), np.asarray(again(inputs)))


def test_serialized_with_keras():
    ours = DebertaV3Backbone(**SIZE, bucket_size=12, max_sequence_length=90)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert type(again) is DebertaV3Backbone
    assert again.get_config() == ours.get_config()


def test_first_weights_have_the_range_and_differ():
    """A shared initializer object would give equal projections."""
    keras.utils.set_random_seed(1)
    ours = DebertaV3Backbone(**{**SIZE, "hidden_dim": 64}, bucket_size=16, initializer_range=0.1)
    seen = []
    for name, weight in by_name(ours).items():
        last = name.rsplit("/", 1)[-1]
        if last in ("bias", "beta", "gamma"):
            assert np.array_equal(weight.numpy(), np.full(weight.shape, float(last == "gamma")))
        else:
            # A normal distribution cut at two deviations has 0.88 of its deviation.
            assert weight.numpy().std() == pytest.approx(0.088, rel=0.1)
            seen.append(weight.numpy().ravel()[:8].tolist())
    assert len({tuple(values) for values in seen}) == len(seen)


def test_dropout_only_in_training():
    ours = DebertaV3Backbone(**{**SIZE, "dropout": 0.5}, bucket_size=16)
    inputs = make_inputs(8)
    calm, again, training = (
        np.asarray(ours(inputs, training=mode)) for mode in (False, False, True)
    )
    assert np.array_equal(calm, again)
    assert not np.allclose(calm, training)


def test_lengths_may_vary_in_one_graph(pair):
    """In training, the length is a tensor, and so is the size of a block."""
    _, ours = pair
    token = tf.TensorSpec((None, None), tf.int32)
    signature = [{"token_ids": token, "padding_mask": token}]
    graph = tf.function(lambda inputs: ours(inputs, training=False), input_signature=signature)
    for length in (8, 40, 128):
        inputs = {name: values.astype("int32") for name, values in make_inputs(length).items()}
        np.testing.assert_allclose(graph(inputs), ours(inputs), rtol=0, atol=1e-5)


def test_half_precision_is_near(pair):
    stock, _ = pair
    size = {**SIZE, "bucket_size": stock.bucket_size}
    half = DebertaV3Backbone(
        **size, max_sequence_length=stock.max_sequence_length, dtype="mixed_bfloat16"
    )
    half.set_weights(stock.get_weights())
    inputs = make_inputs(40)
    found, expected = (real(keras.ops.cast(m(inputs), "float32"), inputs) for m in (half, stock))
    assert half(inputs).dtype == "bfloat16"
    # bfloat16 has 8 significant bits.
    assert np.abs(found - expected).mean() < 0.03 * np.abs(expected).mean()
