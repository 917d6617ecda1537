"""A copy of this repository, in which a test runs git, DVC and the stages as a user does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from repository import REPOSITORY

from preference.runtime.yaml_file import edit_yaml, read_yaml, write_yaml

ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def copy_repository(folder):
    """Copy what git knows or would add, as a repository with a user and no commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    run("git", "init", "--quiet", folder=folder)
    run("git", "config", "user.name", "A user", folder=folder)
    run("git", "config", "user.email", "user@example.com", folder=folder)
    return folder


def run(*command, folder, succeeds=True, environment=ENVIRONMENT):
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == succeeds, output[-3000:]
    return output


def run_json(*command, folder):
    # DVC writes the JSON as one line; warnings of its own may follow on stderr.
    return json.loads(run(*command, "--json", folder=folder).splitlines()[0])


def keep_experiments(folder, *names):
    """Remove the other experiments, as a user does who needs no more."""
    params, pipeline = (read_yaml(folder / file) for file in ("params.yaml", "dvc.yaml"))
    for name in set(params["experiments"]) - set(names):
        del params["experiments"][name], pipeline["stages"][f"train_{name}"]
        pipeline["artifacts"].pop(name, None)
    write_yaml(folder / "params.yaml", params)
    write_yaml(folder / "dvc.yaml", pipeline)


def edit_params(folder, changes):
    edit_yaml(folder / "params.yaml", changes)


def commit(folder, message):
    run("git", "add", "--all", folder=folder)
    run("git", "commit", "--quiet", "--message", message, folder=folder)


def read_metrics(folder, name):
    return json.loads((folder / "metrics" / name).read_text())


def stages_run(output):
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}
