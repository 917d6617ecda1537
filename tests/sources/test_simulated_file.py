"""`python -m simulated` writes the battles that the source `simulated` has, without the truth."""

import subprocess
import sys
from contextlib import chdir

import pyarrow.parquet as pq
from repository import REPOSITORY

from preference.runtime.yaml_file import read_yaml, write_yaml
from simulated.__main__ import LENGTH_SCALE
from stages import configure, fetch

WITHOUT = ["oracle", "oracle_agreement", "source", "id", "source_id"]


def run(*arguments):
    command = [sys.executable, "-m", "simulated", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, text=True, capture_output=True, check=False)


def fetched(folder, source):
    params = read_yaml(REPOSITORY / "params.yaml")
    assert params["data"]["simulated"]["length_scale"] == LENGTH_SCALE
    params["data"]["simulated"]["battles"] = 300
    params["data"]["source"], params["seed"] = source, 7
    write_yaml(folder / "params.yaml", params)
    with chdir(folder):
        configure.main()
        fetch.main()
    return pq.read_table(folder / "data/battles.parquet").to_pandas()


def test_the_file_has_the_battles_of_the_source(tmp_path):
    done = run(str(tmp_path / "votes.csv"), "--battles", "300", "--seed", "7")
    assert done.stdout == f"300 simulated battles are in {tmp_path / 'votes.csv'}.\n"
    expected, found = (fetched(tmp_path, source) for source in ("simulated", "votes.csv"))
    assert "oracle" not in found and len(found) == 300
    for name in found.columns.difference(WITHOUT):
        assert found[name].map(str).tolist() == expected[name].map(str).tolist(), name


def test_no_battles_are_refused(tmp_path):
    done = run(str(tmp_path / "votes.csv"), "--battles", "0")
    assert done.returncode == 2 and "--battles must be at least 1" in done.stderr
    assert not (tmp_path / "votes.csv").exists()
