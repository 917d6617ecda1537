"""Where the checkpoints of trainings are, and which of them are of no more use."""

import os
from collections.abc import Sequence
from pathlib import Path

from preference.checkpoint_file import is_finished
from preference.partial_folder import remove_leftovers

CHECKPOINTS = Path(os.environ.get("PREFERENCE_CHECKPOINTS", ".checkpoints"))
# Of what has been trained.
RECORD = Path("dvc.lock")


def checkpoint_file(name: str, seed: int) -> Path:
    """Return the path of a training's checkpoint."""
    return CHECKPOINTS / f"{name}-seed-{seed}.npz"


def remove_old_checkpoints(name: str, seeds: Sequence[int]) -> None:
    """Delete what is of no use to the trainings of an experiment, so that each has one file.

    That is: checkpoints of other seeds; what processes that were killed have not finished to write;
    and trainings that were finished before DVC recorded something, for then it has recorded them,
    and is asked to train again.
    """
    kept = [checkpoint_file(name, seed) for seed in seeds]
    remove_leftovers(CHECKPOINTS, f"{name}-seed-*.npz")
    for path in CHECKPOINTS.glob(f"{name}-seed-*.npz"):
        if path not in kept or (is_finished(path) and _is_older(path, RECORD)):
            path.unlink()


def _is_older(path: Path, other: Path) -> bool:
    """Say whether a file was written before another one, which may not exist."""
    return other.exists() and path.stat().st_mtime < other.stat().st_mtime
