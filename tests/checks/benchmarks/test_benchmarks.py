"""The benchmarks measure the same battles for everyone, and report what they measured."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import keras_nlp
import numpy as np
import pytest
from small_model import VOCABULARY, make_inputs, model_params
from two_battles import two_battles

from checks.benchmarks import variants
from checks.benchmarks.flops import training_flops
from checks.benchmarks.measurement import Measurement
from checks.benchmarks.part_files import read_parts, write_parts
from checks.benchmarks.plan import plan_comparison, plan_utilisation
from checks.benchmarks.practical_peak import PracticalPeak, add_share_of_peak
from checks.benchmarks.quality import VARIANTS, measure_quality
from checks.benchmarks.report import Origin, Part, write_report
from checks.benchmarks.report_tables import markdown_table, spread
from checks.benchmarks.result import Result, read_result
from checks.benchmarks.runner import measure_all, measure_in_process, summarize
from checks.benchmarks.sequences import (
    load_sequences,
    save_sequences,
)
from checks.benchmarks.settings import FULL, QUICK, for_gpu
from checks.benchmarks.stage_costs import BUNDLE_STAGES, measure_stages
from checks.benchmarks.stage_runs import StageCost
from checks.benchmarks.steps import measure_step
from checks.benchmarks.workload import write_full_length
from preference.config.params import load_params
from preference.models.preference_model import build_model
from preference.models.pretrained.backbones import load_backbone
from preference.training.optimizer import FusedAdam, build_optimizer

ROW_KEYS = {
    "name",
    "precision",
    "seq_len",
    "train_rows_per_s",
    "predict_rows_per_s",
    "padding_share",
    "peak_memory_gib",
    "startup_s",
}


def result(seconds, **changes):
    values = {
        "precision": "float32",
        "device": "cpu",
        "batch": "2 battles",
        "train_seconds": seconds,
        "predict_seconds": seconds / 4,
        "padding_share": 0.25,
        "peak_memory_gib": 1.5,
        "train_memory_gib": 1.25,
        "startup_s": 10.0,
    }
    return Result(**{**values, **changes})


def measurement(name, workload=Path("nowhere")):
    return Measurement(name, "float32", 16, 1, 1, workload)


def part(rows, failed=(), command="make bench"):
    machine = {"processor": "Abacus", "cores": "2"}
    return Part(rows, Origin(command, "2026-01-02", machine, list(failed)))


def test_repetitions_are_interleaved_and_a_failure_is_left_out(capsys):
    systems = [measurement(name) for name in ("study", "ours")]
    asked = []

    def measure(system):
        asked.append(system.name)
        return None if len(asked) == 2 else result(len(asked))

    results = measure_all(systems, 3, measure)
    assert asked == ["study", "ours"] * 3
    seconds = {system.name: [one.train_seconds for one in results[system]] for system in systems}
    assert seconds == {"study": [1, 3, 5], "ours": [4, 6]}
    assert "[4/6] ours, float32, 16 tokens, repetition 2 of 3" in capsys.readouterr().out


def test_a_row_has_medians_and_extremes(tmp_path):
    save_sequences(two_battles(), tmp_path / "sequences.npz")
    results = [result(4.0), result(1.0), result(2.0, peak_memory_gib=3.0)]
    row = summarize(measurement("ours", tmp_path), results)
    assert row.keys() >= ROW_KEYS
    assert (row["name"], row["rows"], row["repetitions"]) == ("ours", 2, 3)
    rates = [row[f"train_rows_per_s{end}"] for end in ("", "_min", "_max")]
    assert rates == pytest.approx([1.0, 0.5, 2.0])
    assert row["predict_rows_per_s"] == pytest.approx(4.0)
    assert row["train_tokens_per_s"] == pytest.approx(4.0)
    lengths = load_sequences(tmp_path / "sequences.npz").lengths().ravel()
    step = training_flops("extra_small", 1, lengths) / 1e12
    assert row["train_tflop_per_s"] == pytest.approx(step / 2)
    assert (row["peak_memory_gib"], row["peak_memory_gib_max"]) == (1.5, 3.0)
    json.dumps(row)


def test_the_page_has_every_table(tmp_path):
    save_sequences(two_battles(), tmp_path / "sequences.npz")
    rows = [
        summarize(measurement("study", tmp_path), [result(4.0), result(2.0)]),
        summarize(measurement("ours", tmp_path), [result(1.0)]),
    ]
    stages = [{"name": "fetch", "rows": 57477, "seconds": 12.34, "peak_memory_gib": 0.5}]
    quality = [
        {"name": name, "rows": 800, "seconds": 9.6, "valid_log_losses": losses}
        | {"valid_log_loss": sum(losses) / 2}
        for name, losses in (("ours", [0.9, 0.8]), ("stock Adam", [0.91, 0.81]))
    ]
    utilised = replace(measurement("ours", tmp_path), size="small", backend="jax")
    utilisation = [summarize(utilised, [result(1.0, predict_seconds=None)])]
    utilisation[0]["train_tflop_per_s"] = 0.5
    utilisation = [add_share_of_peak(utilisation[0], PracticalPeak({"float32": 2.0}, 9.0, 2))]
    del rows[0]["train_tflop_per_s"]
    parts = {
        "comparison": part(rows),
        "utilisation": part(utilisation),
        "quality": part(quality),
        "lengths": part(rows, failed=["`study`, 2048 tokens"]),
        "stages": part(stages, command="python -m checks.benchmarks --only stages"),
    }
    write_parts(parts, tmp_path / "benchmarks")
    assert read_parts(tmp_path / "benchmarks") == parts
    page = write_report(parts, "benchmarks")
    assert "Made by `make bench` on 2026-01-02. Machine: processor Abacus, cores 2." in page
    assert "**simulated**" in page and "![Battles a second](benchmarks.svg)" in page
    assert "| `study` | float32 | 2 battles | 0.75 (0.50–1.00) | 1.00 |" in page
    assert "| `ours` | float32 | 2 battles | 2.00 | 2.67 |" in page
    # The first row is older than the columns of the peak.
    assert "| 16 | `study` | float32 | 2 battles | 1.333 | 0.333 | – | – | – | 1.2 | 1.5 |" in page
    assert "| small | 1 | 16 | jax | 2 battles | 2.00 | 0.5 | 2 | 25% | 1.2 | 10 |" in page
    assert "| `stock Adam` | 0.9100, 0.8100 | +0.0100 | 10 |" in page
    assert "| 57,477 | `fetch` | 12.3 | 0.50 |" in page
    assert "`predict` is `python -m preference predict`" in page
    assert "cores 2. Failed, and not in the table: `study`, 2048 tokens." in page
    assert "Made by `python -m checks.benchmarks --only stages`" in page


def test_a_part_that_was_not_measured_is_not_on_the_page():
    stages = [{"name": "fetch", "rows": 1, "seconds": 1.0, "peak_memory_gib": 1.0}]
    page = write_report({"comparison": part([]), "stages": part(stages)}, "benchmarks")
    assert "Cost against rows" in page
    for absent in ("The same battles", "Cost against length", "Failed", "!["):
        assert absent not in page


def test_a_stage_that_fails_is_named_and_the_other_sizes_are_measured(tmp_path, monkeypatch):
    trained, predicted = [], []

    def run_stage(stage, folder, *arguments):
        if stage == "split" and folder.name == "arena-100":
            raise RuntimeError("too many")
        if stage in BUNDLE_STAGES:
            trained.append((stage, folder.name, *arguments))
        if stage == "bundle":
            (folder / "models/baseline").mkdir(parents=True)
        return StageCost(seconds=2.0, peak_memory_gib=1.0)

    def run_module(module, folder, *arguments):
        assert Path(arguments[arguments.index("--model") + 1]).is_dir()
        assert arguments[0] == "predict"
        predicted.append((module, folder.name))
        return StageCost(seconds=3.0, peak_memory_gib=1.0)

    monkeypatch.setattr("checks.benchmarks.stage_costs.run_stage", run_stage)
    monkeypatch.setattr("checks.benchmarks.stage_costs.run_module", run_module)
    rows, failed = measure_stages((100, 200, 300), tmp_path)
    names = ["fetch", "split", "preprocess", "predict"]
    expected = [("fetch", 100), *((name, size) for size in (200, 300) for name in names)]
    assert [(row["name"], row["rows"]) for row in rows] == expected
    assert [row["seconds"] for row in rows if row["name"] == "predict"] == [3.0, 3.0]
    assert failed == ["`split`, 100 battles"]
    # One model for all sizes.
    assert trained == [(stage, "arena-200", "baseline") for stage in BUNDLE_STAGES]
    assert predicted == [("preference", f"arena-{size}") for size in (200, 300)]


def test_a_bar_in_a_cell_does_not_end_it():
    table = markdown_table({"a|b": lambda row: row["x"]}, [{"x": "1|2"}])
    assert table == "| a\\|b |\n| --- |\n| 1\\|2 |"


def test_one_repetition_has_no_spread():
    row = {"repetitions": 1, "x": 1.25, "x_min": 1.25, "x_max": 1.25}
    assert spread(row, "x", 1) == "1.2"


def test_a_result_is_the_last_line_that_a_process_writes():
    values = vars(result(1.5))
    assert read_result(f"a warning\n{json.dumps(values)}\n") == result(1.5)


@pytest.mark.parametrize("name", ["study", "ours"])
def test_a_measurement_in_its_own_process(name, tmp_path):
    write_full_length(tmp_path, seq_len=32, battles=3)
    system = Measurement(name, "float32", 32, 1, 2, tmp_path)
    measured = measure_in_process(system, torch_python=Path("not needed"))
    assert measured.precision == "float32"
    assert measured.padding_share == 0
    # The embedding alone, its gradient and Adam's two moments.
    assert measured.peak_memory_gib >= measured.train_memory_gib > 4 * 128_100 * 384 * 4 / 2**30


def test_a_step_from_the_study_to_ours_is_measured(tmp_path):
    """In this process: the test above starts one for the first step and one for ours."""
    write_full_length(tmp_path, seq_len=32, battles=3)
    measured = measure_step(Measurement("batching", "float32", 32, 1, 2, tmp_path))
    assert (measured.precision, measured.padding_share) == ("float32", 0)
    assert measured.train_seconds > 0 and measured.predict_seconds > 0


def test_on_jax_ours_is_trained_and_does_not_predict(tmp_path):
    write_full_length(tmp_path, seq_len=32, battles=3)
    system = Measurement("ours", "float32", 32, 1, 2, tmp_path, backend="jax")
    measured = measure_in_process(system, torch_python=Path("not needed"))
    row = summarize(system, [measured])
    assert (row["backend"], row["device"], row["padding_share"]) == ("jax", "cpu", 0)
    assert row["train_rows_per_s"] > 0 and "predict_rows_per_s" not in row


def test_the_gpus_own_kernels_are_compared_on_a_gpu_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("checks.benchmarks.plan.write_real_lengths", lambda *arguments: None)
    found = {
        on_gpu: {one.name for one in plan_comparison(QUICK, tmp_path, on_gpu)}
        for on_gpu in (False, True)
    }
    assert found[True] - found[False] == {"flashdeberta", "disentangled-flash"}
    assert found[False] > {"study", "ours", "transformers"}


def test_utilisation_has_each_size_and_backend_at_each_length(tmp_path):
    settings = replace(for_gpu(FULL), tokens_a_step=4096, steps=1)
    plan = plan_utilisation(settings, tmp_path)
    shapes = {(one.size, one.layers, one.backend, one.seq_len, one.batch) for one in plan}
    sizes = (("extra_small", 12), ("small", 6))
    backends, lengths = ("tensorflow", "jax"), ((512, 4), (1024, 2))
    assert shapes == {
        (*size, backend, *length) for size in sizes for backend in backends for length in lengths
    }
    lengths = load_sequences(plan[0].workload / "sequences.npz").lengths()
    assert lengths.tolist() == [[512, 512]] * 4


def test_the_stock_variant_starts_from_our_weights():
    backbone = load_backbone("deberta_v3_tiny", vocabulary_size=VOCABULARY)
    ours = build_model(backbone, model_params())
    stock = variants.with_stock_backbone(ours, backbone, model_params())
    assert isinstance(stock.get_layer("backbone"), keras_nlp.models.DebertaV3Backbone)
    np.testing.assert_allclose(stock(make_inputs()), ours(make_inputs()), atol=1e-5)


def test_every_variant_can_be_asked_for():
    assert list(variants.VARIANTS) == list(VARIANTS)


def test_stock_adam_is_built_within_its_variant_alone():
    params = load_params().train
    with variants.VARIANTS["stock Adam"].applied():
        assert type(build_optimizer(params, 10)) is keras.optimizers.Adam
    assert type(build_optimizer(params, 10)) is FusedAdam


def test_random_batches_visit_every_battle_once():
    examples = SimpleNamespace(rows=np.arange(103))
    batches = variants.RandomBatches(examples, 512, seed=1).batches(0)
    assert sorted(np.concatenate(batches)) == list(range(103))
    assert {len(batch) for batch in batches} == {14, 15}


def test_results_are_compared_seed_by_seed(tmp_path, monkeypatch):
    """The real stages and trainings, on a small arena; our backbone is exact."""
    monkeypatch.setattr("checks.benchmarks.quality.LENGTH_SCALE", 0.03)
    rows, failed = measure_quality(100, 1, tmp_path, ("ours", "stock backbone"))
    assert failed == []
    assert [row["name"] for row in rows] == ["ours", "stock backbone"]
    ours, stock = (row["valid_log_loss"] for row in rows)
    assert stock == pytest.approx(ours, abs=1e-3)
