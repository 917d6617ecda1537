import pytest
from hypothesis import HealthCheck, settings

# Shared machines are slow at times, which says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make fuzz` reads this many files of each of the kinds in tests/sources/test_fuzz.py.
settings.register_profile("fuzz", settings.get_profile("patient"), max_examples=2000)
settings.load_profile("patient")


@pytest.fixture
def fresh_preprocess():
    """The preprocess stage as a process of its own finds it: with no tokenizer trained before."""
    from stages import preprocess

    preprocess.trained_tokenizer.cache_clear()
    yield preprocess
    preprocess.trained_tokenizer.cache_clear()


# The files that take a minute or more, the slowest first. A process runs a whole file.
SLOW = (
    "pipeline/test_pipeline.py",
    "training/test_resume.py",
    "pipeline/test_real_run.py",
    "training/test_distribution.py",
    "benchmarks/test_benchmarks.py",
    "bundle/test_preset_folder.py",
    "pipeline/test_sweep.py",
)


def pytest_collection_modifyitems(items):
    """Begin with the slow files, so that no process is left alone with one of them at the end."""

    def place(item):
        found = [number for number, file in enumerate(SLOW) if f"{file}::" in item.nodeid]
        return found[0] if found else len(SLOW)

    items.sort(key=place)
