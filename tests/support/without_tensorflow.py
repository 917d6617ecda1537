"""Run Python on JAX where neither it nor the processes that it starts can import TensorFlow."""

import os
import subprocess
import sys

from repository import REPOSITORY

SUPPORT = REPOSITORY / "tests" / "support"


def run_without_tensorflow(folder, *command):
    """Return what `python <command>` prints; `folder` gets a module that stands in the way."""
    (folder / "tensorflow.py").write_text("raise ImportError('it is not installed')\n")
    paths = [str(folder), str(REPOSITORY), str(SUPPORT)]
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
