"""The library as `pip install` brings it: a bundle is used far from this repository."""

import csv
import json
import os
import subprocess
import sys
import zipfile

from repository import REPOSITORY
from small_bundle import make_battles, write_bundle

# What training and reports need, and whoever uses a model need not have.
NOT_INSTALLED = ("dvc", "dvclive", "pandas", "sklearn", "altair", "vl_convert")
USE = """
import sys
import preference
from preference.cli.commands import main
from preference import PreferenceJudge
judge = PreferenceJudge.load("bundle")
print(preference.__file__)
print(judge.compare("soup", "bread", "rake").winner)
sys.argv = "preference evaluate --model bundle --json metrics.json votes.csv".split()
main()
"""


def install(folder):
    """Build the wheel, and unpack it where Python finds it before all else."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    for name in NOT_INSTALLED:
        text = f"raise ModuleNotFoundError({name!r}, name={name!r})\n"
        (folder / "site" / f"{name}.py").write_text(text)
    return folder / "site"


def write_rows(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_bundle_is_used_where_only_the_base_is_installed(tmp_path):
    site = install(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    write_bundle(elsewhere / "bundle")
    rows = make_battles(20)
    write_rows(elsewhere / "battles.csv", rows)
    write_rows(elsewhere / "votes.csv", [{**row, "winner": "tie"} for row in rows])
    environment = {**os.environ, "PYTHONPATH": str(site), "KERAS_BACKEND": "tensorflow"}

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.split()

    place, winner, *_ = run("-c", USE)
    assert place.startswith(str(site))
    assert winner in ("A", "B", "tie")
    assert json.loads((elsewhere / "metrics.json").read_text())["battles"] == len(rows)
    run("-m", "preference", "predict", "--model", "bundle", "battles.csv", "out.csv")
    with (elsewhere / "out.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [row["id"] for row in rows]
