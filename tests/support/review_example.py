"""A repository with git, DVC and one stage, `evaluate`, whose results are known in closed form.

The row log loss of an experiment on battle i is

    HARD[i] + 0.1 * epochs + weight_decay + warmup_share * SIGN[i]

so that a change of `weight_decay` moves every battle alike, and one of `warmup_share` is noise of
mean zero. With as many easy as hard battles and 3 epochs, the mean is 1.1 + weight_decay.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from evaluation_example import example_details, write_example
from repository import REPOSITORY

from checks.review.comment import Review, write_comment
from checks.review.comparison import Comparison, compare_versions
from checks.review.results import open_version
from checks.review.revision import Revision, find_revision
from preference.runtime.yaml_file import read_yaml, write_yaml

EXPERIMENTS = {"baseline": {}, "exp1": {"train": {"weight_decay": 0.2}}, "exp2": {}}
BATTLES = 40
NO_CHANGES = Comparison({}, [], {}, [], [])
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(REPOSITORY),
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
EVALUATE = """
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from preference.battles.predictions import Predictions, write_predictions
from preference.runtime.yaml_file import read_yaml

params = read_yaml(Path("params.yaml"))
ids = pq.read_table("data/split/test.parquet")["id"].to_numpy()
labels = pq.read_table("data/battles.parquet")["label"].to_numpy()[ids]
metrics = {}
for experiment, changes in params["experiments"].items():
    train = params["train"] | changes.get("train", {})
    losses = np.where(ids % 2, 0.6, 1.0) + 0.1 * train["epochs"] + train["weight_decay"]
    losses += train["warmup_share"] * np.where(ids % 4 < 2, 1, -1)
    right = np.exp(-losses)
    probabilities = np.repeat((1 - right)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(len(ids)), labels] = right
    predictions = Predictions(ids, probabilities, probabilities)
    write_predictions(predictions, Path("data/scored/test") / experiment / "seed-1.parquet")
    metrics[experiment] = {"log_loss": round(losses.mean(), 6), "log_loss_noise": NOISE}
Path("metrics/evaluate.json").write_text(json.dumps(metrics))
flat = {name: values["log_loss"] for name, values in metrics.items()}
Path("metrics/log_loss.json").write_text(json.dumps(flat))
Path("metrics/plots").mkdir(exist_ok=True)
Path("metrics/plots/losses.csv").write_text("battle,loss\\n0,1.5\\n1,0.5\\n")
Path("metrics/report.md").write_text("The review does not read this.")
"""
STAGE = {
    "cmd": "python evaluate.py",
    "params": [{"params.yaml": None}],
    "deps": ["data/battles.parquet", "data/split/test.parquet", "evaluate.py"],
    "outs": [
        "data/scored",
        {"metrics/evaluate.json": {"cache": False}},
        {"metrics/plots": {"cache": False}},
        {"metrics/report.md": {"cache": False}},
    ],
    "metrics": [{"metrics/log_loss.json": {"cache": False}}],
}
PIPELINE = {
    "stages": {"evaluate": STAGE},
    "plots": [{"losses": {"x": "battle", "y": {"metrics/plots/losses.csv": "loss"}}}],
}


def run(*command, folder, succeeds=True):
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, text=True, capture_output=True)
    assert (done.returncode == 0) == succeeds, (done.stdout + done.stderr)[-3000:]
    return done.stdout if succeeds else done.stderr


def make_repository(folder):
    """Write the example, reproduce it, and commit it on the branch main."""
    for path in ("data/split", "metrics", "profiles"):
        (folder / path).mkdir(parents=True)
    shutil.copy(REPOSITORY / "params.yaml", folder)
    (folder / "data/.gitignore").write_text("/scored\n")
    (folder / ".gitignore").write_text("/pr-report/\n")
    (folder / "profiles/small.yaml").write_text("train: {epochs: 1}\n")
    write_yaml(folder / "dvc.yaml", PIPELINE)
    write_battles(folder, range(BATTLES))
    write_script(folder, noise=0.1)
    write_example(folder, example_details(EXPERIMENTS))
    edit_params(folder, experiments=EXPERIMENTS, train={"optimizer": "adamw", "epochs": 3})
    run("git", "init", "--quiet", "--initial-branch=main", folder=folder)
    run("git", "config", "user.name", "A user", folder=folder)
    run("git", "config", "user.email", "user@example.com", folder=folder)
    run("dvc", "init", "--quiet", folder=folder)
    reproduce(folder)
    commit(folder, "Results")


def write_battles(folder, test):
    """Write the battles, and those with the ids `test` as the test split, each a group."""
    ids = list(range(2 * BATTLES))
    labels = pa.array([number % 3 for number in ids], pa.int8())
    pq.write_table(pa.table({"id": ids, "label": labels}), folder / "data/battles.parquet")
    test = pa.array(test, pa.int64())
    pq.write_table(pa.table({"id": test, "group": test}), folder / "data/split/test.parquet")


def write_script(folder, noise):
    """Write the script of the stage; `noise` is the `log_loss_noise` of every experiment."""
    (folder / "evaluate.py").write_text(EVALUATE.replace("NOISE", str(noise)))


def edit_params(folder, **sections):
    file = folder / "params.yaml"
    params = read_yaml(file)
    for section, values in sections.items():
        params[section] = values if section == "experiments" else params[section] | values
    write_yaml(file, params)


def train(**values):
    """An experiment, as params.yaml has it, that changes these values of `train`."""
    return {"train": values}


def reproduce(folder):
    run("dvc", "repro", "--quiet", folder=folder)


def commit(folder, message):
    run("git", "add", "--all", folder=folder)
    run("git", "commit", "--quiet", "--message", message, folder=folder)


def compare(folder, base="main"):
    """Compare the workspace with a revision, without DVC's diffs."""
    old = open_version(base, folder, find_revision(base, folder))
    new = open_version("the workspace", folder)
    return compare_versions(old, new)


def verdicts(comparison):
    return {name: change.verdict for name, change in comparison.changes.items()}


def comment_on(comparison, **changes):
    """Write the comment on a comparison for which nothing else is known."""
    review = Review(Revision("main", "c" * 40), comparison, params=[], metrics=[], verdict="")
    return write_comment(replace(review, **changes))


def cells(comment, first):
    """Return the cells of the table row that begins with a code span."""
    row = next(line for line in comment.splitlines() if line.startswith(f"| `{first}`"))
    return [cell.strip() for cell in row.strip("|").split("|")]
