"""How many threads a training run on a processor takes, and how many runs go side by side.

Small networks use two cores badly: most operations are too short to be divided. Two runs of the
default with one thread each take 0.64 times as long as the same two, one after the other, with two
threads each (docs/performance.md).
"""

import os

# TensorFlow reads these when it first computes.
WITHIN_OPERATIONS, BETWEEN_OPERATIONS = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"


def thread_variables(threads: int | None) -> dict[str, str]:
    """Return the environment variables of a training run; none where it takes all cores."""
    if threads is None:
        return {}
    return {WITHIN_OPERATIONS: str(threads), BETWEEN_OPERATIONS: str(threads)}


def runs_at_once(threads: int | None, on_processor: bool) -> int:
    """Return how many runs of an experiment go side by side: as many as the cores permit.

    Args:
        threads: `train.threads`; None where a run takes all cores.
        on_processor: whether there is no GPU, whose memory one run takes.
    """
    if threads is None or not on_processor:
        return 1
    return max(_core_count() // threads, 1)


def _core_count() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
