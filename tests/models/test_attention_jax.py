"""Our backbone on Keras's other backend: forward and gradients are those of the stock one."""

import os
import subprocess
import sys

import pytest
from repository import REPOSITORY

COMPARE = REPOSITORY / "tests" / "support" / "compare_backbones_jax.py"


@pytest.mark.parametrize("length", [8, 96, 1024])
def test_outputs_and_gradients_on_jax(length):
    # A process of its own: Keras reads its backend when it is imported.
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = str(REPOSITORY)
    done = subprocess.run(
        [sys.executable, COMPARE, str(length)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == "compared"
