"""The FLOPs of a training step, compared with TensorFlow's profiler on the layers of keras-nlp."""

import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from checks.benchmarks import flops, sizes

ARCHITECTURE = {
    "vocabulary_size": 40,
    "dropout": 0.1,
    "max_sequence_length": 512,
    "bucket_size": 16,
    "num_heads": 4,
    "hidden_dim": 256,
    "intermediate_dim": 1024,
}


def count_forward(layers, sequences, length):
    """What the profiler counts, which is the products' and a few of the element-wise ones'."""
    backbone = keras_nlp.models.DebertaV3Backbone(num_layers=layers, **ARCHITECTURE)
    shape = tf.TensorSpec((sequences, length), tf.int32)
    forward = tf.function(
        lambda ids, mask: backbone({"token_ids": ids, "padding_mask": mask}, training=False)
    )
    graph = forward.get_concrete_function(shape, shape).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    )
    counted = tf.compat.v1.profiler.profile(graph, options=options.with_empty_output().build())
    return counted.total_float_ops


def test_a_layer_is_what_another_implementation_computes(monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "counted", ARCHITECTURE)
    sequences, length = 3, 96
    layer = count_forward(2, sequences, length) - count_forward(1, sequences, length)
    # keras-nlp projects the table of positions twice for each sequence.
    table = sequences * 2 * 2 * (2 * ARCHITECTURE["bucket_size"]) * ARCHITECTURE["hidden_dim"] ** 2
    assert flops.layer_flops("counted", np.full(sequences, length)) == pytest.approx(
        layer - table, rel=0.04
    )


def test_sequences_of_unequal_length_cost_what_each_costs_alone():
    together = flops.layer_flops("small", np.array([5, 700]))
    alone = [flops.layer_flops("small", np.array([length])) for length in (5, 700)]
    assert together == pytest.approx(sum(alone))


def test_a_row_that_takes_the_peak_is_fully_used(monkeypatch):
    monkeypatch.setitem(flops.PEAK_TFLOP_PER_S, "Abacus", 2.0)
    step = flops.training_flops("small", 6, np.array([512, 512]))
    row = {
        "size": "small",
        "layers": 6,
        "seq_len": 512,
        "device": "An Abacus 2",
        "train_rows_per_s": 1e12 / step,
    }
    found = flops.add_utilisation(row)
    assert found["train_tflop_per_s"] == pytest.approx(1.0)
    assert found["utilisation"] == pytest.approx(0.5)
    assert flops.add_utilisation(row | {"device": "cpu"})["utilisation"] is None


@pytest.mark.parametrize(
    ("device", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756.5),
        ("NVIDIA L40S", 362.0),
        ("NVIDIA L4", 121.0),
        ("cpu", None),
    ],
)
def test_the_peak_is_that_of_the_card(device, peak):
    assert flops.peak_tflop_per_s(device) == peak
