"""On JAX the model trains where TensorFlow is not installed, and learns what it does with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from take_steps import model_without_dropout, take_steps

TESTS = Path(__file__).parent
BLOCKED = "import runpy, sys; sys.modules['tensorflow'] = None; sys.argv = sys.argv[1:]; "
BLOCKED += "runpy.run_path(sys.argv[0], run_name='__main__')"


def run_without_tensorflow(*command):
    """Run a Python file on JAX; in its process, `import tensorflow` fails."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_steps_without_tensorflow_are_those_of_tensorflow(tmp_path):
    model = model_without_dropout()
    np.savez(tmp_path / "weights.npz", *model.get_weights())
    printed = run_without_tensorflow(TESTS / "take_steps.py", tmp_path / "weights.npz")
    logits, losses = json.loads(printed.splitlines()[-1])
    expected_logits, expected_losses = take_steps(model)
    np.testing.assert_allclose(logits, expected_logits, atol=1e-5)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    assert losses[-1] < losses[0]
