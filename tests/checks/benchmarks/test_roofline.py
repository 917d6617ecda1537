"""The operations whose floors are measured are those of a layer, and a floor is worked by hand."""

import math
from dataclasses import asdict

import keras
import numpy as np
import pytest
from keras import ops

from checks.benchmarks.flops import training_flops
from checks.benchmarks.measure_roofline import count_weights
from checks.benchmarks.operations import WHOLE_LAYER, LayerParts, plan_operations
from checks.benchmarks.part_files import read_parts, write_parts
from checks.benchmarks.practical_peak import PracticalPeak
from checks.benchmarks.report import Origin, Part, write_report
from checks.benchmarks.roofline import Cost, Roofline, add_floors, measure_in_process
from checks.benchmarks.sizes import SIZES
from preference.models.deberta_v3.backbone import DebertaV3Backbone

SEQUENCES, LENGTH = 3, 40
PEAK = PracticalPeak({"float32": 0.5, "mixed_bfloat16": 2.0}, copy_gb_per_s=10.0, threads=2)


def test_the_parts_of_a_layer_compute_what_the_layer_does():
    sizes = SIZES["tiny"]
    dim, heads = sizes["hidden_dim"], sizes["num_heads"]
    parts = LayerParts(sizes, SEQUENCES, LENGTH)
    x = keras.random.normal((SEQUENCES, LENGTH, dim), seed=1)
    scale = parts.attention.scale

    def split_heads(vectors):
        return ops.swapaxes(ops.reshape(vectors, (SEQUENCES, LENGTH, heads, dim // heads)), 1, 2)

    query, key, value, _ = map(split_heads, parts.project(False, x))
    table = ops.ones((1, parts.buckets, dim))
    of_keys, of_queries = parts.projections[1](table)[0], parts.projections[0](table)[0]
    scores = parts.score_content(False, query * scale, key)
    scores = parts.score_positions(False, scores, query * scale, key, of_keys, of_queries * scale)
    attended = ops.swapaxes(parts.attend(False, scores, value), 1, 2)
    attended = parts.projections[3](ops.reshape(attended, (SEQUENCES, LENGTH, dim)))
    # A new normalization has no scale of its own, so that both of a layer are equal.
    hidden = parts.normalize(False, attended, x)
    rows = parts.feed_forward(False, ops.reshape(hidden, (-1, dim)))
    composed = parts.normalize(False, ops.reshape(rows, hidden.shape), hidden)
    np.testing.assert_allclose(composed, parts.whole(False, x), atol=1e-5)


@pytest.mark.parametrize("size", ["tiny", "extra_small"])
def test_products_and_weights_are_those_of_the_model(size):
    sizes = {**SIZES[size], "vocabulary_size": 100}
    planned = {one.name: one for one in plan_operations(sizes, SEQUENCES, LENGTH)}
    whole = planned.pop(WHOLE_LAYER)
    layers = sizes["num_layers"]
    assert sum(one.times * one.flop for one in planned.values()) == layers * whole.flop
    lengths = np.full(SEQUENCES, LENGTH)
    assert 3 * layers * whole.flop == training_flops(size, layers, lengths)
    model = DebertaV3Backbone(**sizes)
    matrices = [weight for weight in model.trainable_weights if weight.path.endswith("kernel")]
    matrices += [weight for weight in model.trainable_weights if "embedding" in weight.name]
    assert count_weights(sizes) == sum(math.prod(weight.shape) for weight in matrices)


@pytest.mark.parametrize(
    ("flop", "size", "floor", "limit"),
    # A second of products and half a second of memory, for each of three times; then the reverse.
    [(2 * 10**12, 5 * 10**9, 3.0, "products"), (10**12, 10**10, 3.0, "memory")],
)
def test_a_floor_is_the_longer_of_products_and_memory(flop, size, floor, limit):
    cost = Cost("training", "products", times=3, seconds=4.0, flop=flop, size=size)
    row = add_floors(cost, PEAK.tflops["mixed_bfloat16"], PEAK)
    assert (row["seconds"], row["floor_seconds"], row["limit"]) == (12.0, floor, limit)


def test_every_operation_is_measured_in_both_phases(tmp_path):
    wanted = Roofline("tiny", SEQUENCES, LENGTH, "float32", repetitions=1)
    rows = list(measure_in_process(wanted, PEAK))
    names = [one.name for one in plan_operations(SIZES["tiny"], SEQUENCES, LENGTH)]
    measured = [(row["phase"], row["operation"]) for row in rows]
    assert measured == [
        *(("training", name) for name in names),
        *(("prediction", name) for name in names),
        ("training", "update of the weights"),
    ]
    assert all(row["seconds"] > 0 and row["floor_seconds"] > 0 for row in rows)
    assert asdict(wanted).items() <= rows[0].items()
    part = Part(rows, Origin("make bench", "2026-01-02", {"cores": "2"}, []))
    write_parts({"roofline": part}, tmp_path / "benchmarks")
    page = write_report(read_parts(tmp_path / "benchmarks"), "benchmarks")
    assert "tiny in float32, alone, with 3 sequences of 40 tokens" in page
    assert "(benchmarks-roofline.svg)" in page and "| prediction | embedding | 1 |" in page
