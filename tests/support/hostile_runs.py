"""The entry points run on hostile files: none is an error of ours."""

import contextlib
import csv
import io
import re
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from fetch_runs import WINNERS, read_outputs
from repository import REPOSITORY

from preference.judge import predict_file as file_prediction
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import fetch

PRIOR, UNIFORM = [0.5, 0.3, 0.2], [1 / 3] * 3


class Judge:
    """In the place of a model, which would take most of the time: every battle is a toss-up."""

    name, prior = "none", PRIOR

    def predict(self, battles, advance):
        return np.tile(UNIFORM, (len(battles), 1))


def make_folders(tmp_path_factory, names):
    """Return for each name of a file a folder with params.yaml that names it."""
    params = read_yaml(REPOSITORY / "params.yaml")
    folders = {}
    for name in names:
        folders[name] = tmp_path_factory.mktemp(name)
        params["data"] |= {"source": name, "max_quarantined": 1.0}
        write_yaml(folders[name] / "params.yaml", params)
    return folders


def run_fetch(folder, name):
    """Return battles and quarantined rows, or None where the file is refused as it should be."""
    with contextlib.chdir(folder):
        if is_refused(fetch.main, name):
            assert not Path("data/battles.parquet").exists()
            return None
    battles, quarantined, _ = read_outputs(folder)
    assert all(row["line"] > 0 and row["reason"] for row in quarantined)
    return battles.to_pylist(), quarantined


def run_predict(folder, name):
    """Return ids and probabilities, or None."""
    output = folder / "out.csv"
    output.unlink(missing_ok=True)
    predict = partial(file_prediction.predict_file, Path("none"), folder / name, output)
    with mock.patch.object(file_prediction.PreferenceJudge, "load", return_value=Judge()):
        if is_refused(predict, name):
            assert not output.exists()
            return None
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    probabilities = [[float(row[name]) for name in WINNERS] for row in rows]
    assert all(one in (PRIOR, UNIFORM) for one in probabilities)
    return [row["id"] for row in rows], probabilities


def is_refused(command, name):
    """Run it; return whether it ends with an error, which must be one line and name the file."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), exit_on_bad_input():
            command()
    except SystemExit:
        (line,) = re.findall(r"^error: .*$", said.getvalue().replace("\r", "\n"), re.MULTILINE)
        assert name in line and line.isprintable()
        return True
    return False
