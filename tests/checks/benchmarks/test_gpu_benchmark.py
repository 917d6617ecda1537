"""The benchmark on a GPU: its plan, its time, and, in small on this processor, its measurements."""

import ast
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from without_tensorflow import run_without_tensorflow

from checks.benchmarks import flops
from checks.benchmarks.gpu import rates, real_lengths, runner
from checks.benchmarks.gpu.page import write_page
from checks.benchmarks.gpu.plan import FULL, PARTS, TINY, battles_a_step, plan_lines
from checks.benchmarks.gpu.profile import layer_of, operation_origins, profile_tables
from checks.benchmarks.gpu.results import Origin, Results, append_row, read_results, start_results
from checks.benchmarks.gpu.task import ANSWER, Line, Task, read_answer, read_task
from checks.benchmarks.gpu.variants import VARIANTS
from checks.benchmarks.stage_runs import REPOSITORY

COMPARE_VARIANTS = REPOSITORY / "tests" / "support" / "compare_attention_variants.py"
PYTHON = Path(sys.executable)
ORIGIN = Origin("python -m checks.benchmarks.gpu", "2027-01-02", "Abacus 9000", {"jax": "0.11.2"})


def steps_row(system="ours", rows_per_s=100.0, **changes):
    line = Line("steps", system)
    row = {**vars(line), "name": str(line), "status": "measured", "battles_a_step": 32}
    for name in ("train", "predict"):
        row |= {
            f"{name}_rows_per_s": rows_per_s,
            f"{name}_tokens_per_s": 1024 * rows_per_s,
            f"{name}_tflop_per_s": 2 * rows_per_s,
            f"{name}_share_of_peak": rows_per_s / 400,
        }
    return row | {"train_memory_gib": 12.5, "compile_s": 21.0} | changes


def measure(lines, monkeypatch, run_task, seconds=1e6, has_gpu=True):
    monkeypatch.setattr(runner, "run_task", run_task)
    rows = []
    runner.measure_all(lines, FULL, seconds, has_gpu, PYTHON, Path(), rows.append)
    return rows


def test_the_wheels_have_the_versions_that_are_locked():
    locked, carried = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements/gpu.txt")
    )
    assert carried and {name: locked[name] for name in carried} == carried


def imported(file, found):
    """Add to `found` the files and the packages that are imported when `file` is."""
    if file in found:
        return
    found.add(file)
    for node in ast.parse(file.read_text()).body:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            ours = REPOSITORY / f"{module.replace('.', '/')}.py"
            if ours.exists():
                imported(ours, found)
            elif module.partition(".")[0] not in ("checks", "preference", *sys.stdlib_module_names):
                found.add(module.partition(".")[0])


def test_a_machine_without_network_has_what_is_imported():
    found = set()
    for module in (REPOSITORY / "checks" / "benchmarks" / "gpu").glob("*.py"):
        imported(module, found)
    carried = (REPOSITORY / "requirements/gpu.txt").read_text().replace("-", "_")
    named = {"jax", "numpy", "h5py", "psutil", "pyarrow", "scipy", "tqdm", "torch", "transformers"}
    missing = {
        package
        for package in found
        if isinstance(package, str) and package not in named and f"\n{package}==" not in carried
    }
    # The package `ruamel` is a part of the wheel `ruamel_yaml`.
    assert missing == {"ruamel"}
    assert "ruamel_yaml==" in carried


def test_what_tells_most_comes_first():
    lines = plan_lines(("comparison",), FULL)
    assert [str(line) for line in lines[:3]] == [
        "card",
        "ours, small, 512 tokens",
        "transformers, small, 512 tokens",
    ]
    shapes = {(line.size, line.seq_len) for line in lines if line.kind == "steps"}
    assert shapes == {("small", 512), ("small", 1024), ("base", 512), ("extra_small", 512)}


def test_every_variant_is_planned():
    lines = plan_lines(("variants",), FULL)
    assert {line.variant for line in lines} == set(VARIANTS)
    assert [battles_a_step(line, FULL) for line in lines[-2:]] == [64, 128]


def test_every_line_of_the_tiny_plan_is_another():
    lines = plan_lines(PARTS, TINY)
    assert len(set(lines)) == len(lines)
    assert {line.size for line in lines} == {"tiny"}


def test_a_batch_is_halved_until_it_fits(monkeypatch):
    asked = []

    def run_task(task, limit_s, torch_python):
        asked.append(task.battles)
        fits = task.battles <= 8
        return ({"train_rows_per_s": 1.0} if fits else {"out of memory": True}), "measured"

    (row,) = measure([Line("steps")], monkeypatch, run_task)
    assert asked == [32, 16, 8]
    assert (row["battles_a_step"], row["status"]) == (8, "measured")
    assert row["note"] == "out of memory with more: 8 battles a step instead of 32"


def test_where_one_battle_is_too_much_the_line_fails_and_the_others_go_on(monkeypatch):
    def run_task(task, limit_s, torch_python):
        return ({"out of memory": True} if task.line.size == "base" else {}), "measured"

    rows = measure([Line("steps", size="base"), Line("card")], monkeypatch, run_task)
    assert rows[0]["status"] == "failed: out of memory with one battle a step"
    assert rows[1]["status"] == "measured"


def test_lines_for_which_no_time_is_left_say_so(monkeypatch):
    limits = []

    def run_task(task, limit_s, torch_python):
        limits.append(limit_s)
        monkeypatch.setattr(runner.time, "monotonic", lambda: 1e9)
        return {}, "measured"

    lines = [Line("card"), Line("steps"), Line("lengths")]
    rows = measure(lines, monkeypatch, run_task, seconds=50)
    assert len(limits) == 1 and limits[0] <= 50
    assert [row["status"] for row in rows] == ["measured", runner.NO_TIME, runner.NO_TIME]


def test_kernels_for_a_gpu_are_not_tried_without_one(monkeypatch):
    def run_task(task, limit_s, torch_python):
        return {}, "measured"

    lines = [Line("steps", system) for system in ("flashdeberta", "transformers")]
    statuses = [row["status"] for row in measure(lines, monkeypatch, run_task, has_gpu=False)]
    assert statuses == [runner.NO_GPU, "measured"]


def test_a_process_is_ended_at_its_limit():
    task = Task(Line("card"), TINY, 1)
    assert runner.run_task(task, 0.01, PYTHON) == ({}, runner.NO_TIME)


def test_a_process_that_fails_says_why(tmp_path, capsys):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 1\n")
    python.chmod(0o755)
    task = Task(Line("steps", "transformers"), TINY, 1)
    assert runner.run_task(task, 60, python) == ({}, "failed: No module named torch")


def test_what_a_process_said_before_it_was_cut_counts(tmp_path):
    python = tmp_path / "python"
    answer = ANSWER + json.dumps({"train_rows_per_s": 2.0})
    python.write_text(f"#!/bin/sh\necho '{answer}'\nexec sleep 600\n")
    python.chmod(0o755)
    found, status = runner.run_task(Task(Line("steps", "transformers"), TINY, 1), 2, python)
    assert found == {"train_rows_per_s": 2.0}
    assert status == "cut after 2 s: the rest is not measured"


def test_the_last_answer_counts():
    said = [ANSWER + json.dumps({"a": 1}), "a warning", ANSWER + json.dumps({"a": 1, "b": 2})]
    assert read_answer("\n".join(said)) == {"a": 1, "b": 2}
    assert read_answer("nothing") == {}


def test_a_task_is_read_as_it_was_written():
    task = Task(Line("steps", variant="softmax_product"), TINY, 3)
    assert read_task(task.to_json()) == task


def test_a_step_at_the_peak_is_fully_used(monkeypatch):
    monkeypatch.setitem(flops.PEAK_TFLOP_PER_S, "Abacus", 2.0)
    task = Task(Line("steps"), FULL, 32)
    seconds = flops.training_flops("small", 6, np.full(64, 512)) / 2e12
    found = rates.training_rates(task, seconds, "An Abacus")
    assert found["train_share_of_peak"] == pytest.approx(1)
    assert found["train_rows_per_s"] == pytest.approx(32 / seconds)
    assert found["train_tokens_per_s"] == pytest.approx(32 * 1024 / seconds)
    predicted = rates.prediction_rates(task, seconds / 3, "An Abacus")
    assert predicted["predict_share_of_peak"] == pytest.approx(1)


def test_drawn_lengths_are_those_of_real_battles():
    lengths = real_lengths.draw_lengths(20_000, seq_len=10**6)
    longer_prompt = real_lengths.PROMPT_MEDIAN * np.exp(real_lengths.PROMPT_DEVIATION**2 / 2)
    # Means add up, and medians do not.
    assert lengths.mean() == pytest.approx(290 + longer_prompt + 3, rel=0.05)
    assert real_lengths.draw_lengths(100, seq_len=64).max() == 64


def test_our_batches_hold_every_battle_once():
    task = Task(Line("lengths", size="tiny", seq_len=256), TINY, 4)
    lengths = real_lengths.draw_lengths(40, 256)
    batches = real_lengths.our_batches(task, lengths)
    assert sum((counts > 0).sum() for _, _, counts in batches) == 40
    for inputs, labels, counts in batches:
        battles, _, width = inputs["token_ids"].shape
        assert len(labels) == battles == len(counts) and battles * width <= 4 * 256
        assert (inputs["token_ids"] > 0).sum() == inputs["padding_mask"].sum()


def test_the_profile_says_which_part_of_the_model_takes_the_time():
    program = (
        "  %dot.1 = bf16[8,8]{1,0} dot(bf16[8,8] %a, bf16[8,8] %b), metadata={op_name="
        '"jit(train_step)/jvp()/preference/layer_1/self_attention_layer/query/dot_general"}\n'
        "  ROOT %fusion.2 = f32[8]{0} fusion(f32[8] %c), kind=kLoop, calls=%x, "
        'metadata={op_name="jit(train_step)/transpose(jvp())/layer_1/layer_norm/mul"}\n'
        '  %fusion.3 = f32[8]{0} fusion(f32[8] %c), metadata={op_name="jit(train_step)/add"}\n'
    )
    origins = operation_origins(program)
    tables = profile_tables({"dot.1": 2.0, "fusion.2": 3.0, "fusion.3": 0.5}, origins)
    assert tables["kinds"] == [["fusion", 3.5], ["dot", 2.0]]
    assert tables["layers"] == [
        ["layer_norm, backward", 3.0],
        ["self_attention_layer, forward", 2.0],
        ["optimizer, loss and other", 0.5],
    ]
    assert tables["operations"][1][0].startswith("dot.1 (")
    assert layer_of("") == "unknown"


def test_the_page_has_every_table(tmp_path):
    card = {**vars(Line("card")), "name": "card", "status": "measured", "device": "Abacus"}
    card |= {
        "product_width": 8192,
        "product_tflop_per_s": 798.0,
        "product_share_of_peak": 0.8066,
        "copy_gb_per_s": 3010.0,
    }
    missing = {**vars(Line("lengths")), "name": "lengths", "status": runner.NO_TIME}
    rows = [
        card,
        steps_row("ours", 300.0, note="out of memory with more: 16 battles instead of 32"),
        steps_row("transformers", 120.0),
        steps_row(variant="softmax_product", attention_error=4e-3, present_attention_error=5e-3),
        missing,
    ]
    start_results(tmp_path / "rows.jsonl", ORIGIN)
    for row in rows:
        append_row(tmp_path / "rows.jsonl", row)
    results = read_results(tmp_path / "rows.jsonl")
    assert results == Results(ORIGIN, rows)
    page = write_page([results])
    assert "## Abacus 9000, 2027-01-02" in page and "jax 0.11.2" in page
    assert "8192 wide: 798 TFLOP/s (81% of the peak), copy 3,010 GB/s" in page
    ours = "| `ours` | small | 512 | 32 | 300.0 | 307,200 | 600 | 75% | 12.5 | 21 | 2.50 |"
    assert ours in page.split("### Prediction")[0]
    assert (
        "| softmax_product | yes | small | 512 | 32 | 100.0 |" in page and "4e-03 (5e-03)" in page
    )
    assert f"- {runner.NO_TIME}: lengths" in page
    assert write_page([results, results]).count("## Abacus 9000") == 2


def test_it_runs_in_small_without_tensorflow(tmp_path):
    """The real command: two processes, one of which trains and predicts on JAX."""
    command = ["-m", "checks.benchmarks.gpu", "--tiny", "--out", tmp_path, "--seconds", "900"]
    printed = run_without_tensorflow(tmp_path, *command, "--lines", "card", "ours, tiny, 32")
    results = read_results(tmp_path / "benchmarks-gpu.jsonl")
    assert "tensorflow" not in results.origin.versions
    rows = {row["name"]: row for row in results.rows}
    assert {row["status"] for row in rows.values()} == {"measured"}, printed
    assert rows["card"]["product_tflop_per_s"] > 0 and rows["card"]["copy_gb_per_s"] > 0
    ours = rows["ours, tiny, 32 tokens"]
    assert ours["train_rows_per_s"] > 0 and ours["predict_rows_per_s"] > 0
    assert ours["device"] == "cpu" and ours["train_share_of_peak"] is None
    assert "ours" in (tmp_path / "benchmarks-gpu.md").read_text()


def test_variants_compute_what_our_layers_do(tmp_path):
    printed = run_without_tensorflow(tmp_path, COMPARE_VARIANTS)
    assert printed.split()[-1] == "compared"
