"""The workflows are valid, and give nobody more than they need."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml
from repository import REPOSITORY

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
    jobs = load_yaml(workflow)["jobs"]
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
        (SECURITY, "$RUNNER_TEMP/", "${{ github.event.pull_request.title }}", "template-inj"),
        (
            SECURITY,
            "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
            "a/b@v4",
            "unpinned-uses",
        ),
        (SECURITY, "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", "unpinned-uses"),
        (SECURITY, "persist-credentials: false", "clean: true", "artipacked"),
    ],
)
def test_a_planted_mistake_is_found(tmp_path, command, old, new, complaint):
    text = (REPOSITORY / ".github/workflows/pr.yaml").read_text()
    assert old in text
    workflow = tmp_path / "pr.yaml"
    workflow.write_text(text.replace(old, new))
    assert complaint in check(command, workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_a_commit_with_its_version_as_a_comment(workflow):
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_one_commit_everywhere():
    texts = "".join(workflow.read_text() for workflow in WORKFLOWS)
    used = set(re.findall(r"uses: (.*)", texts))
    assert len({action.split("@")[0] for action in used}) == len(used)


def test_only_the_job_that_posts_can_write_and_it_runs_no_code_of_the_pull_request():
    workflow = load_yaml(REPOSITORY / ".github/workflows/pr.yaml")
    assert workflow["permissions"] == {"contents": "read"}
    writers = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert {name: job["permissions"] for name, job in writers.items()} == {
        "comment": {"contents": "read", "pull-requests": "write"}
    }
    checkout, download, post = writers["comment"]["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    # Beside what was checked out, where it could take the place of a module.
    assert download["with"] == {"name": "comment", "path": "${{ runner.temp }}/comment"}
    assert post["env"]["PULL_REQUEST"] == "${{ github.event.pull_request.number }}"
    assert post["run"] == 'python3 -m checks.review.post_comment "$RUNNER_TEMP/comment"'
