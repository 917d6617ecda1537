"""What is imported within the block is kept from the garbage collector, and nothing else is."""

import gc
import subprocess
import sys
import weakref

import pytest

from preference.runtime.garbage_collector import kept_from_garbage_collector

SCRIPT = """
import gc
import preference.runtime.lean_keras
assert gc.isenabled()
looked_at = len(gc.get_objects())
print(gc.get_freeze_count(), looked_at)
"""


class Cycle:
    def __init__(self):
        self.own = self


@pytest.fixture
def unfrozen():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_garbage_is_collected_after_the_block_and_not_within():
    with kept_from_garbage_collector():
        assert not gc.isenabled()
        within = weakref.ref(Cycle())
    after = weakref.ref(Cycle())
    gc.collect()
    assert gc.isenabled()
    assert within() is not None and after() is None


@pytest.mark.usefixtures("unfrozen")
def test_who_had_disabled_it_finds_it_so():
    gc.disable()
    try:
        with kept_from_garbage_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_stage_looks_at_few_objects_of_keras():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], text=True, capture_output=True, check=True
    )
    frozen, looked_at = map(int, done.stdout.split())
    assert looked_at < frozen / 100
