"""What the system counts, where memory is freed and asked for again."""

import resource
import subprocess
import sys

import pytest
from repository import REPOSITORY

BLOCK_BYTES, BLOCKS, REPETITIONS = 2**24, 8, 10
PROGRAM = f"""
import ctypes, resource, sys
from preference.runtime.tensorflow_runtime import keep_freed_memory

libc = ctypes.CDLL(None)
if not hasattr(libc, "mallopt"):
    sys.exit("no glibc")
libc.malloc.restype = ctypes.c_void_p
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range({REPETITIONS}):
    blocks = [libc.malloc({BLOCK_BYTES}) for _ in range({BLOCKS})]
    for block in blocks:
        libc.memset(block, 1, {BLOCK_BYTES})
    for block in blocks:
        libc.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(what):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what],
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
    )
    if "no glibc" in done.stderr:
        pytest.skip("this system has no glibc")
    return int(done.stdout)


def test_memory_that_is_freed_is_not_taken_from_the_system_again():
    pages = BLOCKS * BLOCK_BYTES // resource.getpagesize()
    saved = page_faults("give back") - page_faults("keep")
    assert saved > 0.8 * (REPETITIONS - 1) * pages
