"""The pipeline as a user runs it: a small configuration, in a clone of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from itertools import count

import pandas as pd
import pyarrow.parquet as pq
import pytest
from dvc_remotes import folder_remote, s3_remote
from pipeline_runs import (
    ENVIRONMENT,
    commit,
    copy_repository,
    edit_params,
    read_metrics,
    run,
    run_json,
    stages_run,
)
from repository import REPOSITORY
from sklearn.metrics import log_loss
from stage_readers import EXPERIMENTS, READERS, SHARING, read_status, trained_again

SMALL = {
    "data.simulated.battles": 400,
    "data.simulated.length_scale": 0.05,
    "tokenizer.vocabulary_size": 700,
    "model.seq_len": 64,
    "train.epochs": 1,
    "reference.max_features": 500,
    "evaluation.resamples": 200,
    "train.seeds": [],
    "experiments.baseline.train.seeds": [],
    "experiments.exp1.train.seeds": [7, 8],
}
NEW = next(name for number in count(4) if (name := f"exp{number}") not in EXPERIMENTS)


@contextmanager
def restoring(folder, *stages):
    """Bring a clone back to its commit and to the results of the stages, or to all results."""
    (head,) = run("git", "rev-parse", "HEAD", folder=folder).split()
    try:
        yield
    finally:
        run("git", "reset", "--quiet", "--hard", head, folder=folder)
        run("dvc", "checkout", *stages, folder=folder)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with the small configuration, reproduced and committed."""
    folder = copy_repository(tmp_path_factory.mktemp("user") / "clone")
    edit_params(folder, SMALL)
    commit(folder, "Small configuration")
    run("dvc", "repro", folder=folder)
    commit(folder, "Reproduced")
    return folder


def test_every_experiment_and_reference_is_evaluated(clone):
    metrics = read_metrics(clone, "evaluate.json")
    compared = {*EXPERIMENTS, "blend"}
    others = {"prior", "length", "tfidf", "features", "stack", "oracle"}
    assert set(metrics) == compared | others
    for name, model in metrics.items():
        noise = {"log_loss_noise"} if name in compared else set()
        assert set(model) == {"log_loss", "accuracy", "f1_macro", "flip_rate"} | noise
    assert metrics["prior"]["log_loss"] == pytest.approx(1.0973, abs=0.03)
    assert all(metrics["oracle"]["log_loss"] < metrics[name]["log_loss"] for name in compared)


def test_no_battle_is_lost(clone):
    data, split = read_metrics(clone, "data.json"), read_metrics(clone, "split.json")
    assert data["rows_read"] == data["rows_kept"] + data["rows_quarantined"] == 400
    parts = ("train", "valid", "calibration", "test")
    assert sum(split[part]["rows"] for part in parts) == data["rows_kept"]


def test_cached_outputs_stay_out_of_git(clone):
    tracked = run("git", "ls-files", folder=clone).splitlines()
    assert not [name for name in tracked if name.endswith((".h5", ".npy", ".parquet"))]


def test_a_second_repro_runs_nothing(clone):
    output = run("dvc", "repro", folder=clone)
    assert stages_run(output) == set()
    assert "up to date" in output
    assert run("git", "status", "--porcelain", folder=clone) == ""


def test_stages_repeated_give_the_same_bytes(clone):
    """All but a training, which the test below repeats, and those whose own tests repeat them."""
    stages = ["configure", "initialize", "fetch", "split", "preprocess", "featurize"]
    stages += ["predict_reference", "predict@exp3", "bundle@exp3"]
    stages += ["evaluate", "leaderboard", "submit"]
    output = run("dvc", "repro", "--force", "--single-item", *stages, folder=clone)
    assert stages_run(output) == set(stages)
    assert run("git", "status", "--porcelain", folder=clone) == ""


def test_a_training_that_was_killed_resumes_to_the_same_bytes(clone):
    edit_params(clone, {"train.checkpoint_minutes": 1e-6})
    checkpoint = clone / ".checkpoints/exp3-seed-2024.npz"
    command = ("dvc", "repro", "--force", "--single-item", "train_exp3")
    # The finished training of the fixture has left one.
    checkpoint.unlink(missing_ok=True)
    try:
        killed = subprocess.Popen(command, cwd=clone, env=ENVIRONMENT, start_new_session=True)
        while not checkpoint.exists() and killed.poll() is None:
            time.sleep(0.01)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        assert checkpoint.exists()
        assert "resumes where it was stopped" in run(*command, folder=clone)
        # As if DVC had been killed before it recorded the outputs.
        os.utime(checkpoint)
        assert "was finished before it was stopped" in run(*command, folder=clone)
    finally:
        run("git", "checkout", "--quiet", "params.yaml", folder=clone)
    # The hashes of weights and metrics are in dvc.lock.
    assert run("git", "status", "--porcelain", folder=clone) == ""


def test_a_bundle_has_the_temperature_of_the_evaluation(clone):
    models = read_metrics(clone, "evaluation_details.json")["models"]
    for name, folders in {"exp2": ["exp2"], "exp1": ["exp1", "exp1/seed-8"]}.items():
        bundles = [clone / "models" / folder / "bundle.json" for folder in folders]
        found = [json.loads(path.read_text())["calibration"]["in_order"] for path in bundles]
        temperatures = [one["temperature"] for one in found]
        assert temperatures == pytest.approx(models[name]["temperature"], abs=2e-5)


def test_predictions_of_the_test_battles_score_as_the_evaluation_says(clone, tmp_path):
    """The packed model, on its own, from the texts."""
    ids = pq.read_table(clone / "data/split/test.parquet")["id"]
    battles = pq.read_table(clone / "data/battles.parquet").to_pandas().set_index("id")
    battles = battles.loc[ids.to_pylist()]
    labels = battles["label"].to_numpy()
    texts = battles[["prompt", "response_a", "response_b"]].map(lambda turns: json.dumps([*turns]))
    texts.to_csv(tmp_path / "battles.csv")
    python = [sys.executable, "-m"]
    run(*python, "preference", "package", "models/exp2", tmp_path / "exp2.zip", folder=clone)
    command = ["--model", tmp_path / "exp2.zip", tmp_path / "battles.csv", tmp_path / "out.csv"]
    run(*python, "preference", "predict", *command, folder=clone)
    submission = pd.read_csv(tmp_path / "out.csv")
    assert submission["id"].tolist() == ids.to_pylist()
    loss = log_loss(labels, submission[["winner_model_a", "winner_model_b", "winner_tie"]])
    assert loss == pytest.approx(read_metrics(clone, "evaluate.json")["exp2"]["log_loss"], abs=1e-5)
    with zipfile.ZipFile(tmp_path / "exp2.zip") as archive:
        card = archive.read("README.md").decode()
    assert f"On {len(ids)} test battles in " in card
    assert f"| log loss (nats, lower is better) | {loss:.4f} [" in card


def test_the_submission_has_the_battles_that_were_asked_for(clone):
    submission = pd.read_csv(clone / "data/submission.csv")
    assert list(submission) == ["id", "winner_model_a", "winner_model_b", "winner_tie"]
    assert submission["id"].tolist() == list(range(20))
    assert submission.drop(columns="id").sum(axis=1).to_numpy() == pytest.approx(1)


def test_what_a_changed_file_re_runs(clone):
    """The table of docs/architecture.md: who reads what was changed; others follow its outputs."""
    texts = {clone / name: (clone / name).read_text() for name in READERS}
    try:
        for path, text in texts.items():
            path.write_text(text + "\n# Changed.\n")
        status = read_status(clone)
    finally:
        for path, text in texts.items():
            path.write_text(text)
    for name, expected in READERS.items():
        read = {stage for stage, deps in status.items() if any(name.startswith(d) for d in deps)}
        assert read == expected, name


def test_an_experiment_with_another_shared_value_re_runs_those_that_inherit_it(clone):
    with restoring(clone, "configure"):
        command = ("dvc", "exp", "run", "-S", "model.seq_len=1024", "-n", "longer", "configure")
        assert stages_run(run(*command, folder=clone)) == {"configure"}
        assert set(read_status(clone)) == trained_again(SHARING)
        changed = run_json("dvc", "params", "diff", folder=clone)
        assert changed == {"params.yaml": {"model.seq_len": {"old": 64, "new": 1024, "diff": 960}}}


def test_what_a_changed_parameter_re_runs(clone):
    changes = {
        "train.checkpoint_minutes": 3,
        "experiments.exp2.model.seq_len": 128,
        "evaluation.resamples": 300,
        "submit.both_orders": True,
        "reference.max_features": 400,
        "tokenizer.vocabulary_size": 600,
    }
    edit_params(clone, changes)
    with restoring(clone, "configure"):
        assert stages_run(run("dvc", "repro", "configure", folder=clone)) == {"configure"}
        status = read_status(clone)
    readers = {
        "evaluation": "evaluate",
        "submit": "submit",
        "reference": "train_reference",
        "tokenizer": "preprocess",
    }
    for section, reader in readers.items():
        assert [stage for stage, deps in status.items() if section in deps] == [reader]
    # What reads none of these sections re-runs because of the values of exp2.
    others = {stage for stage, deps in status.items() if not deps & readers.keys()}
    assert others | {"evaluate"} == trained_again(["exp2"])
    assert "data/config/index.json" in status["evaluate"]


def recipe(file):
    """Return what docs/experiments.md adds to a file, with a name that nobody has taken yet."""
    page = (REPOSITORY / "docs/experiments.md").read_text()
    return page.split(f"<!-- recipe: {file} -->\n```yaml\n")[1].split("```")[0].replace("exp4", NEW)


def test_an_experiment_is_added_as_the_page_says(clone):
    with restoring(clone):
        for file in ("params.yaml", "dvc.yaml"):
            with (clone / file).open("a") as opened:
                opened.write(recipe(file))
        changed = run("git", "diff", "--numstat", folder=clone).split()
        assert sum(int(lines) for lines in changed[::3]) <= 12
        output = run("dvc", "repro", folder=clone)
        used = {f"train_{NEW}", f"predict@{NEW}", f"bundle@{NEW}", "blend", "leaderboard"}
        used |= {"configure", "initialize", "evaluate", "report"}
        assert stages_run(output) == {"featurize"} | used
        first = read_metrics(clone, "evaluate.json")[NEW]
        measured = read_metrics(clone, f"train/{NEW}/metrics.json")
        assert NEW in (clone / "metrics/report.md").read_text()
        assert NEW in read_metrics(clone, "evaluation_details.json")["blend"]["weights"]
        assert NEW in (clone / "metrics/learning_curves/valid.csv").read_text()
        commit(clone, "Add an experiment")
        name = f"experiments.{NEW}.model.head_dropout"
        command = ("dvc", "exp", "run", "-S", f"{name}=[0.5]", "-n", "dropout")
        assert stages_run(run(*command, folder=clone)) == used
        assert read_metrics(clone, "evaluate.json")[NEW]["log_loss"] != first["log_loss"]
        assert run("dvc", "repro", folder=clone).strip().endswith("up to date.")
        assert_change_is_shown(clone, "dropout", name)
        # DVC remembers the first training, with what was measured.
        edit_params(clone, {name: [0.1]})
        output = run("dvc", "repro", f"train_{NEW}", folder=clone)
        assert f"Stage 'train_{NEW}' is cached - skipping run" in output
        assert read_metrics(clone, f"train/{NEW}/metrics.json") == measured


def assert_change_is_shown(folder, experiment, parameter):
    assert experiment in run("dvc", "exp", "show", "--csv", folder=folder)
    (changed,) = run_json("dvc", "params", "diff", folder=folder).values()
    assert list(changed) == [parameter]
    assert run_json("dvc", "metrics", "diff", folder=folder)
    run("dvc", "plots", "diff", "HEAD", experiment, "--out", "page", folder=folder)
    page = (folder / "page" / "index.html").read_text()
    shutil.rmtree(folder / "page")
    assert all(title in page for title in ("Log loss on test", "Log loss on valid", f"{NEW}.csv"))


def test_predictions_of_other_parameters_are_not_scored(clone):
    """Also where someone runs the stage without DVC, which would have predicted again."""
    edit_params(clone, {"model.seq_len": 128})
    with restoring(clone):
        run("dvc", "repro", "configure", folder=clone)
        command = [sys.executable, "-m", "stages.evaluate"]
        output = run(*command, folder=clone, succeeds=False)
        assert "was made with other values of baseline than params.yaml has now" in output
        output = run(sys.executable, "-m", "stages.train", "exp9", folder=clone, succeeds=False)
        assert "there is no experiment 'exp9'; there are baseline, exp1" in output


@pytest.mark.parametrize("open_remote", [folder_remote, s3_remote])
def test_what_one_clone_pushes_another_pulls(clone, tmp_path, open_remote):
    other = tmp_path / "other"
    run("git", "clone", "--quiet", clone.as_uri(), str(other), folder=tmp_path)
    with open_remote(tmp_path) as (address, settings, environment):
        for folder in (clone, other):
            run("dvc", "remote", "add", "--local", "--default", "store", address, folder=folder)
            for setting in settings.items():
                run("dvc", "remote", "modify", "--local", "store", *setting, folder=folder)
        try:
            run("dvc", "push", folder=clone, environment=environment)
        finally:
            run("dvc", "remote", "remove", "--local", "store", folder=clone)
        assert not (other / "models/exp2").exists()
        run("dvc", "pull", folder=other, environment=environment)
    for name in ("data/battles.parquet", "models/exp2/bundle.json", "metrics/report.html"):
        assert (other / name).read_bytes() == (clone / name).read_bytes()
    assert stages_run(run("dvc", "repro", folder=other)) == set()
