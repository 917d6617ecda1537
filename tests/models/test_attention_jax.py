"""Our backbone on Keras's other backend: forward and gradients are those of the stock one."""

import os
import subprocess
import sys

from repository import REPOSITORY

COMPARE = REPOSITORY / "tests" / "support" / "compare_backbones_jax.py"


LENGTHS = ("8", "96", "1024")


def test_outputs_and_gradients_on_jax():
    # A process of its own: Keras reads its backend when it is imported.
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = str(REPOSITORY)
    done = subprocess.run(
        [sys.executable, COMPARE, *LENGTHS], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-3:] == [f"{length} tokens: compared" for length in LENGTHS]
