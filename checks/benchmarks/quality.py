"""Check that speed-ups do not change the result: train the baseline without each of them."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import mean

from checks.benchmarks.runner import Row
from checks.benchmarks.stage_runs import DATA_STAGES, child_environment, run_stage, write_params

# The value of params.yaml.
LENGTH_SCALE = 0.1
VARIANTS = ("ours", "stock backbone", "stock Adam", "random batches", "mixed_bfloat16")


def measure_quality(
    battles: int, seeds: int, folder: Path, variants: tuple[str, ...]
) -> tuple[list[Row], list[str]]:
    """Train each variant with each seed on one simulated arena.

    Returns:
        A row for each variant, and the names of the trainings that failed.
    """
    write_params(folder, battles, LENGTH_SCALE)
    for stage in DATA_STAGES:
        run_stage(stage, folder)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    failed = []
    for seed in range(1, seeds + 1):
        for name in variants:
            print(f"{name}, seed {seed} of {seeds}", flush=True)
            if result := _train(name, seed, folder):
                print(f"    {result['valid_log_loss']:.4f}", flush=True)
                found[name].append(result)
            else:
                failed.append(f"`{name}`, seed {seed}")
    return [_row(name, battles, results) for name, results in found.items() if results], failed


def _train(name: str, seed: int, folder: Path) -> dict[str, float] | None:
    process = subprocess.run(
        [sys.executable, "-m", "checks.benchmarks.train_variant", name, f"--seed={seed}"],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
    )
    if process.returncode:
        print("\n".join(process.stderr.splitlines()[-10:]), flush=True)
        return None
    return json.loads(process.stdout.strip().splitlines()[-1])


def _row(name: str, battles: int, results: list[dict[str, float]]) -> Row:
    return {
        "name": name,
        "rows": battles,
        "valid_log_losses": [result["valid_log_loss"] for result in results],
        "valid_log_loss": mean(result["valid_log_loss"] for result in results),
        "seconds": mean(result["seconds"] for result in results),
    }
