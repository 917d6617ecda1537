"""A model that does not exist is reported in a second, before TensorFlow is imported."""

import os
import re
import subprocess
import sys

import pytest
from repository import REPOSITORY


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("predict", "--model", "wrong", "in.csv", "out.csv"), "wrong .* it does not exist"),
        (("predict", "--model", "empty", "in.csv", "out.csv"), "empty .* it has no bundle.json"),
        (("predict", "--model", "in.csv", "in.csv", "out.csv"), "in.csv .* neither a folder nor"),
        (("package", "wrong", "out.zip"), "wrong .* it has no bundle.json"),
    ],
)
def test_a_wrong_model_is_reported_where_tensorflow_cannot_be_imported(tmp_path, command, reason):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "in.csv").write_text("id,prompt,response_a,response_b\n")
    done = subprocess.run(
        [sys.executable, "-m", "preference", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
        text=True,
        capture_output=True,
    )
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and said.startswith("error: ")
    assert re.search(reason, said)
