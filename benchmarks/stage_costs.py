"""What the stages before the training cost, against the number of battles."""

import shutil
from dataclasses import asdict
from pathlib import Path

from benchmarks.runner import Row
from benchmarks.stage_runs import DATA_STAGES, run_stage, write_params

# Of real length, in characters.
LENGTH_SCALE = 1.0


def measure_stages(sizes: tuple[int, ...], folder: Path) -> tuple[list[Row], list[str]]:
    """Run the stages on a simulated arena of each size; `fetch` simulates it, too.

    Returns: the rows, and the names of the sizes at which a stage failed; what had been measured
        before it stays.
    """
    rows: list[Row] = []
    failed: list[str] = []
    for battles in sizes:
        arena = folder / f"arena-{battles}"
        write_params(arena, battles, LENGTH_SCALE)
        try:
            for stage in DATA_STAGES:
                rows.append(_measure(stage, battles, arena))
        except RuntimeError as error:
            print(f"    {error}", flush=True)
            failed.append(f"`{stage}`, {battles:,} battles")
        shutil.rmtree(arena)
    return rows, failed


def _measure(stage: str, battles: int, arena: Path) -> Row:
    print(f"{stage}, {battles:,} battles", flush=True)
    cost = run_stage(stage, arena)
    print(f"    {cost.seconds:.1f} s, {cost.peak_memory_gib:.2f} GiB", flush=True)
    return {"name": stage, "rows": battles, **asdict(cost)}
