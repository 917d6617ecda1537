"""What Keras imports where it is installed is kept out, and found where it is needed."""

import sys

import pytest

from preference.runtime.errors import BadInput
from preference.runtime.optional_packages import without_optional_packages


def test_keras_on_jax_is_one_line_that_says_what_to_set(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    with pytest.raises(BadInput, match="set KERAS_BACKEND=tensorflow"):  # noqa: SIM117
        with without_optional_packages():
            # As Keras does where it is its backend.
            __import__("jax.numpy")
    assert "jax" not in sys.modules


def test_another_missing_package_is_said_as_it_is():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):  # noqa: SIM117
        with without_optional_packages():
            __import__("no_such_package")
