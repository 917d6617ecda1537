"""Measure the cost of the stages before the training, and of predicting a file, by battles."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from checks.benchmarks.runner import Row
from checks.benchmarks.stage_runs import DATA_STAGES, StageCost, run_module, run_stage, write_params

# The simulated battles are as long as real ones, in characters.
LENGTH_SCALE = 1.0
PREDICT = "predict"
# The stages that make the bundle; the stage `predict` is not the command `PREDICT`.
BUNDLE_STAGES = ("train", "predict", "bundle")
# The model that predicts is small: its memory, not its speed, is compared between sizes.
PREDICTING = {"model": {"seq_len": 128}, "train": {"epochs": 1}}


def measure_stages(sizes: tuple[int, ...], folder: Path) -> tuple[list[Row], list[str]]:
    """Run the stages on a simulated arena of each size, which `fetch` simulates.

    The battles of each arena are then predicted by one model, trained on the first arena.

    Returns:
        The rows that were measured, and the names of the stages and sizes that failed.
    """
    rows: list[Row] = []
    failed: list[str] = []
    for battles in sizes:
        arena = folder / f"arena-{battles}"
        write_params(arena, battles, LENGTH_SCALE, PREDICTING)
        for name, run in _plan(arena, folder / "model").items():
            try:
                rows.append(_measure(name, run, battles))
            except RuntimeError as error:
                print(f"    {error}", flush=True)
                failed.append(f"`{name}`, {battles:,} battles")
                break
        shutil.rmtree(arena)
    return rows, failed


def _plan(arena: Path, model: Path) -> dict[str, Callable[[], StageCost]]:
    """Return what is run in an arena, by name, in its order."""
    stages = {stage: partial(run_stage, stage, arena) for stage in DATA_STAGES}
    return {**stages, PREDICT: partial(_predict, arena, model)}


def _predict(arena: Path, model: Path) -> StageCost:
    if not model.exists():
        for stage in BUNDLE_STAGES:
            run_stage(stage, arena, "baseline")
        (arena / "models/baseline").rename(model)
    battles = "data/battles.parquet"
    return run_module(
        "preference", arena, "predict", "--model", str(model), battles, "predictions.parquet"
    )


def _measure(name: str, run: Callable[[], StageCost], battles: int) -> Row:
    print(f"{name}, {battles:,} battles", flush=True)
    cost = run()
    print(f"    {cost.seconds:.1f} s, {cost.peak_memory_gib:.2f} GiB", flush=True)
    return {"name": name, "rows": battles, **asdict(cost)}
