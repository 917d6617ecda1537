"""The FLOPs of a training step, compared with TensorFlow's profiler, and the machine's peak."""

import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from checks.benchmarks import flops, sizes
from checks.benchmarks.machine import matrix_instructions
from checks.benchmarks.practical_peak import PracticalPeak, add_share_of_peak, measure_peak

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


@pytest.mark.parametrize(
    ("precision", "peak", "share"),
    [("float32", 0.5, 0.5), ("mixed_bfloat16", 2.0, 0.125), ("mixed_float16", None, None)],
)
def test_a_row_is_compared_with_the_peak_of_its_precision(precision, peak, share):
    row = {"precision": precision, "train_tflop_per_s": 0.25}
    measured = PracticalPeak({"float32": 0.5, "mixed_bfloat16": 2.0}, 10.0, 2)
    expected = row | {"peak_tflops": peak, "share_of_peak": share}
    assert add_share_of_peak(row, measured) == expected


def test_rates_of_a_product_and_of_a_copy():
    # A billion multiplications and as many additions in 2 seconds; a copy reads and writes.
    assert flops.product_tflop_per_s(1000, seconds=2.0) == pytest.approx(1e-3)
    assert flops.copy_gb_per_s(3 * 10**9, seconds=2.0) == pytest.approx(3.0)


def test_the_peak_of_this_machine_is_measured():
    peak = measure_peak(width=64, copied_mib=1, repetitions=1)
    assert set(peak.tflops) == {"float32", "mixed_bfloat16"}
    assert min(*peak.tflops.values(), peak.copy_gb_per_s, peak.threads) > 0
    words = {"product in float32", "product in bfloat16", "copy", "threads"}
    assert set(peak.describe()) == words


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("fpu avx2 avx512f avx512_bf16 amx_tile amx_bf16", "amx_bf16 avx512_bf16 avx512f avx2"),
        ("fp asimd bf16", "bf16 asimd"),
        ("fpu sse2", ""),
    ],
)
def test_matrix_instructions_are_named_the_fastest_first(flags, named):
    assert matrix_instructions(flags.split()) == named


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
