"""What the stages before the training cost, against the number of battles."""

import shutil
from dataclasses import asdict
from pathlib import Path

from benchmarks.runner import Row
from benchmarks.stage_runs import DATA_STAGES, run_stage, write_params

# Of real length, in characters.
LENGTH_SCALE = 1.0


def measure_stages(sizes: tuple[int, ...], folder: Path) -> list[Row]:
    """Run the stages on a simulated arena of each size; `fetch` simulates it, too."""
    rows = []
    for battles in sizes:
        arena = folder / f"arena-{battles}"
        write_params(arena, battles, LENGTH_SCALE)
        for stage in DATA_STAGES:
            print(f"{stage}, {battles:,} battles", flush=True)
            cost = run_stage(stage, arena)
            print(f"    {cost.seconds:.1f} s, {cost.peak_memory_gib:.2f} GiB", flush=True)
            rows.append({"name": stage, "rows": battles, **asdict(cost)})
        shutil.rmtree(arena)
    return rows
