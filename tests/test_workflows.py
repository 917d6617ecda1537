"""The workflows are valid, and give nobody more than they need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yaml"))
SCRIPTS = Path(sys.executable).parent
SCHEMA = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
SECURITY = ("zizmor", "--offline", "--no-progress", "--strict-collection", "--min-severity=medium")


def check(command, workflow):
    """Run a checker, and return what it complains of."""
    program, *options = command
    if program == "zizmor":
        options += ["--config", REPOSITORY / ".github/zizmor.yml"]
    done = subprocess.run(
        [SCRIPTS / program, *options, workflow], text=True, capture_output=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("command", [SCHEMA, SECURITY], ids=["schema", "security"])
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_in_order(workflow, command):
    assert check(command, workflow) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_needs_jobs_that_exist(workflow):
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    needed = {job["needs"] for job in jobs.values() if "needs" in job}
    assert needed <= set(jobs)


@pytest.mark.parametrize(
    ("command", "old", "new", "complaint"),
    [
        (SCHEMA, "needs: report", "need: report", "Additional properties"),
        (SCHEMA, "permissions:", "permisions:", "'permisions' was unexpected"),
        (SCHEMA, "runs-on: ubuntu-latest", "run-on: ubuntu-latest", "'runs-on' is a required"),
        (SECURITY, "pull_request:", "pull_request_target:", "dangerous-triggers"),
        (SECURITY, "contents: read", "contents: write", "excessive-permissions"),
        (SECURITY, '"$PULL_REQUEST"', "${{ github.event.pull_request.title }}", "template-inj"),
        (SECURITY, "actions/upload-artifact@v4", "someone/upload@v4", "unpinned-uses"),
        (SECURITY, "persist-credentials: false", "clean: true", "artipacked"),
    ],
)
def test_a_planted_mistake_is_found(tmp_path, command, old, new, complaint):
    text = (REPOSITORY / ".github/workflows/pr.yaml").read_text()
    assert old in text
    workflow = tmp_path / "pr.yaml"
    workflow.write_text(text.replace(old, new))
    assert complaint in check(command, workflow)


def test_the_comment_is_posted_with_a_link_and_updated_in_place(tmp_path):
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/pr.yaml").read_text())
    script = workflow["jobs"]["comment"]["steps"][-1]["run"]
    (tmp_path / "comment.md").write_text("# Against\n")
    (tmp_path / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\n')
    (tmp_path / "gh").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PULL_REQUEST": "7",
        "GITHUB_SERVER_URL": "https://example.com",
        "GITHUB_REPOSITORY": "some/where",
        "GITHUB_RUN_ID": "5",
    }
    subprocess.run(["bash", "-eu", "-c", script], cwd=tmp_path, env=environment, check=True)
    link = "[pr-report](https://example.com/some/where/actions/runs/5#artifacts)"
    assert (tmp_path / "comment.md").read_text().startswith("# Against\n\nPlots")
    assert link in (tmp_path / "comment.md").read_text()
    assert (tmp_path / "arguments").read_text().split() == [
        *("pr", "comment", "7", "--repo", "some/where", "--body-file", "comment.md"),
        *("--edit-last", "--create-if-none"),
    ]


def test_only_the_job_that_posts_can_write_and_it_runs_no_code_of_the_pull_request():
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/pr.yaml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    writers = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert {name: job["permissions"] for name, job in writers.items()} == {
        "comment": {"pull-requests": "write"}
    }
    used = [step["uses"] for step in writers["comment"]["steps"] if "uses" in step]
    assert [action.split("@")[0] for action in used] == ["actions/download-artifact"]
