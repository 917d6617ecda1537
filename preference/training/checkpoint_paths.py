"""Checkpoint paths and garbage collection."""

import os
from collections.abc import Sequence
from pathlib import Path

from preference.runtime.partial_folder import remove_leftovers
from preference.training.checkpoint_file import is_finished

# DVC writes this file once it has recorded a stage's outputs.
LOCK_FILE = Path("dvc.lock")


def checkpoints_folder() -> Path:
    """Return the folder that PREFERENCE_CHECKPOINTS names, or .checkpoints/."""
    return Path(os.environ.get("PREFERENCE_CHECKPOINTS", ".checkpoints"))


def checkpoint_path(name: str, seed: int) -> Path:
    """Return the path of the checkpoint of one training run of an experiment."""
    return checkpoints_folder() / f"{name}-seed-{seed}.npz"


def remove_old_checkpoints(name: str, seeds: Sequence[int]) -> None:
    """Delete the checkpoints and partial files that no training run of an experiment can use.

    These are checkpoints of other seeds, files that a killed process left unfinished, and
    checkpoints of finished runs that are older than DVC's record: DVC has recorded these runs and
    asks to train again.
    """
    kept = [checkpoint_path(name, seed) for seed in seeds]
    folder = checkpoints_folder()
    remove_leftovers(folder, f"{name}-seed-*.npz")
    for path in folder.glob(f"{name}-seed-*.npz"):
        if path not in kept or (is_finished(path) and _is_older(path, LOCK_FILE)):
            path.unlink()


def _is_older(path: Path, other: Path) -> bool:
    """Return whether `path` was written before `other`, which may not exist."""
    return other.exists() and path.stat().st_mtime < other.stat().st_mtime
