"""Copies of this repository in which the pipeline runs with other parameters."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dvc.utils.serialize import load_yaml

from preference.config.params import PARAMS_FILE
from preference.runtime.yaml_file import edit_yaml, write_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK, CACHE = "dvc.lock", ".dvc/cache"
AUTHOR = ("-c", "user.name=faults", "-c", "user.email=faults@localhost")


def environment(scratch: Path) -> dict[str, str]:
    """Return the variables of every command; caches outside of the workspace are in `scratch`."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(scratch / "site"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "HF_HOME": str(scratch / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def copy_repository(folder: Path, parameters: Mapping[str, Any]) -> None:
    """Copy the files that git tracks or would add to a new repository, with other parameters."""
    listed = _git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard")
    for name in listed.splitlines():
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    edit_yaml(folder / PARAMS_FILE, parameters)
    # It records results of other parameters.
    (folder / LOCK).unlink(missing_ok=True)
    _git(folder, "init", "--quiet")
    commit(folder)


def commit(folder: Path) -> None:
    """Commit all files that git does not ignore."""
    _git(folder, "add", "--all")
    _git(folder, *AUTHOR, "commit", "--quiet", "--allow-empty", "--message", "As it is")


def git_checkout(folder: Path, name: str) -> None:
    """Restore a file from the last commit."""
    _git(folder, "checkout", "--quiet", "--", name)


def copy_workspace(base: Path, scratch: Path) -> Path:
    """Return a new copy of `base`, without its checkpoints, which replaces the last copy."""
    workspace = scratch / "workspace"
    for folder in (workspace, scratch / "site", scratch / "hub"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, workspace, ignore=shutil.ignore_patterns(".checkpoints", ".locks"))
    return workspace


def forget_stage(folder: Path, stage: str) -> None:
    """Remove all traces of a stage, as if it had never run while all others have.

    Its outputs are removed from the workspace, from dvc.lock, and from DVC's cache with the run
    cache, so that DVC has to run the stage.
    """
    for run in remembered_runs(folder, stage):
        # With its folder, because DVC does not start if the folder is empty.
        shutil.rmtree(run.parent)
    content = read_lock(folder)
    entry = content["stages"].pop(stage)
    write_yaml(folder / LOCK, content)
    for out in entry["outs"]:
        _remove(folder / out["path"])
    # An output of another stage may have the same content.
    others = {name for _, name in outputs_of(folder)}
    for name in {name for _, name in _outputs(folder, entry)} - others:
        # Metrics that are in git may not be in the cache.
        cached_object(folder, name).unlink(missing_ok=True)


def remembered_runs(folder: Path, stage: str) -> list[Path]:
    """Return the files of this stage in DVC's run cache."""
    command = read_lock(folder)["stages"][stage]["cmd"]
    runs = (folder / CACHE / "runs").glob("*/*/*")
    return [run for run in runs if load_yaml(run)["cmd"] == command]


def read_lock(folder: Path) -> dict[str, Any]:
    """Return the content of dvc.lock."""
    return load_yaml(folder / LOCK)


def cached_object(folder: Path, name: str) -> Path:
    """Return the path of the content with this MD5 in DVC's cache."""
    return folder / CACHE / "files/md5" / name[:2] / name[2:]


def outputs_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each output, and each file of the folders that DVC's cache lists, with its MD5."""
    for entry in read_lock(folder)["stages"].values():
        yield from _outputs(folder, entry)


def _outputs(folder: Path, entry: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for out in entry["outs"]:
        cached, path = cached_object(folder, out["md5"]), folder / out["path"]
        yield path, out["md5"]
        if cached.suffix == ".dir" and cached.exists():
            for file in json.loads(cached.read_text(encoding="utf-8")):
                yield path / file["relpath"], file["md5"]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True)
