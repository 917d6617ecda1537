"""Keep freed memory in the process, for the next step asks for as much again.

TensorFlow allocates the result of every operation anew. What is large, glibc takes from the system
and gives back when it is freed, and the system clears each page before it is touched again. See
mallopt(3).
"""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
# The largest that glibc takes; what is larger still comes from the system.
LARGEST_MMAP_THRESHOLD = 2**25
NEVER = 2**31 - 1
# Taken from the system at a time.
GROWTH_BYTES = 2**28


def keep_freed_memory() -> None:
    """Let this process keep up to the most memory that it has needed, where it runs on glibc."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    set_option(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    set_option(TRIM_THRESHOLD, NEVER)
    set_option(TOP_PAD, GROWTH_BYTES)
