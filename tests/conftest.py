import pytest
from hypothesis import HealthCheck, settings

# Shared machines are slow at times, which says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Of each of the six kinds of files of tests/sources/test_fuzz.py: see `make fuzz`.
settings.register_profile("fuzz", settings.get_profile("patient"), max_examples=2000)
settings.load_profile("patient")


@pytest.fixture
def fresh_preprocess():
    """The preprocess stage as a process of its own finds it: with no tokenizer trained before."""
    from stages import preprocess

    preprocess.trained_tokenizer.cache_clear()
    yield preprocess
    preprocess.trained_tokenizer.cache_clear()


def pytest_collection_modifyitems(items):
    """Begin with the pipeline: its tests take minutes, and one process runs them all."""
    items.sort(key=lambda item: "test_pipeline.py" not in item.nodeid)
