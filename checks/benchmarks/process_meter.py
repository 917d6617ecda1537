"""Measure the age and the memory of this process."""

import resource
import time

import psutil

KIB_A_GIB = 2**20
BYTES_A_GIB = 2**30


def seconds_since_start() -> float:
    """Return the age of this process, which includes its imports."""
    return time.time() - psutil.Process().create_time()


def peak_memory_gib() -> float:
    """Return the peak of the resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_GIB
