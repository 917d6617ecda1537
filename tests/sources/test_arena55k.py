"""data.source: arena55k, by the stage's entry point, from a server that answers as the hub does."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dataset_hub import CONTENT_PATH, DATASET, PATH, REVISION, hub, write_pin
from fetch_runs import as_text, assert_refused, make_rows, read_outputs, write_csv
from fetch_runs import run_stage as run_stage_in
from huggingface_hub import cached_assets_path
from local_server import Refusal, environment_without, free_port
from repository import REPOSITORY

from arena55k import pin
from preference.runtime.errors import BadInput

# huggingface_hub writes 10 MiB at a time: what a cut leaves is a multiple of that.
CHUNK = 10 * 2**20


def csv_of(folder, rows):
    write_csv(folder / "served.csv", list(map(as_text, rows)))
    return (folder / "served.csv").read_bytes()


@pytest.fixture(scope="session")
def content(tmp_path_factory):
    return csv_of(tmp_path_factory.mktemp("small"), make_rows(60))


@pytest.fixture(scope="session")
def large_content(tmp_path_factory):
    rows = make_rows(60)
    for row in rows:
        row["response_a"] = ["long " * 80_000, None]
    content = csv_of(tmp_path_factory.mktemp("large"), rows)
    assert 2 * CHUNK < len(content) < 3 * CHUNK
    return content


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    """A copy of the code, whose pin a test may change."""
    folder = tmp_path_factory.mktemp("code")
    for package in ("arena55k", "preference", "stages"):
        shutil.copytree(REPOSITORY / package, folder / package)
    return folder


class User:
    """One who runs the stage in a folder and with a cache of their own."""

    def __init__(self, folder, code):
        self.folder, self.code, self.home = folder, code, folder / "home"
        # Without telemetry nothing is asked of the hub but the file.
        mine = {"HF_HOME": str(self.home), "HF_HUB_DISABLE_TELEMETRY": "1"}
        self.environment = environment_without("HF_", "HUGGING") | mine

    def pin(self, content, **changes):
        write_pin(self.code, content, battles=60, **changes)

    def fetch(self, port, **environment):
        environment = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", **environment}
        environment = {**self.environment, **environment}
        return run_stage_in(self.folder, "fetch", "arena55k", self.code, environment)


@pytest.fixture
def user(tmp_path, code):
    return User(tmp_path, code)


def assert_fetched(user, result, content, count=60):
    assert result.returncode == 0, result.stderr
    battles, _, metrics = read_outputs(user.folder)
    assert battles["id"].to_pylist() == list(range(count))
    assert set(battles["source"].to_pylist()) == {"arena55k"}
    assert metrics["source"] == "arena55k" and not metrics["simulated"]
    assert metrics["sources"]["arena55k"] == {
        "rows_read": count,
        "rows_kept": count,
        "rows_quarantined": 0,
        "revision": REVISION,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_it_is_downloaded_once_with_progress_and_the_hub_alone_sees_the_token(user, content):
    user.pin(content)
    with hub(content) as server:
        result = user.fetch(server.port, HF_TOKEN="hf_secret")
        assert_fetched(user, result, content)
        assert "train.csv: 100%" in result.stderr
        sent = {request.path: request.headers.get("authorization") for request in server.seen}
        assert sent == {PATH: "Bearer hf_secret", CONTENT_PATH: None}
    # Now the server is down.
    assert_fetched(user, user.fetch(server.port), content)
    assert_fetched(user, user.fetch(server.port, HF_HUB_OFFLINE="1"), content)


def test_what_hf_download_has_put_into_the_cache_is_found(user, content):
    user.pin(content)
    with hub(content) as server:
        subprocess.run(
            [sys.executable, "-c", "import sys, huggingface_hub as h; h.hf_hub_download("
             "sys.argv[1], 'train.csv', repo_type='dataset', revision=sys.argv[2])",
             DATASET, REVISION],
            env=user.environment | {"HF_ENDPOINT": f"http://127.0.0.1:{server.port}"},
            check=True,
        )  # fmt: skip
    assert_fetched(user, user.fetch(server.port, HF_HUB_OFFLINE="1"), content)


def test_a_cut_download_is_continued_in_the_same_run(user, large_content):
    user.pin(large_content)
    with hub(large_content) as server:
        server.cuts = [CHUNK + 5]
        assert_fetched(user, user.fetch(server.port), large_content)
        # Each time the hub and the other host.
        assert server.ranges() == [None, None, f"bytes={CHUNK}-", f"bytes={CHUNK}-"]


def test_a_cut_download_is_continued_in_the_next_run(user, large_content):
    user.pin(large_content)
    with hub(large_content) as server:
        server.cuts = [2 * CHUNK + 5]
        respond = server.respond

        def fail_after_the_cut(handler):
            server.refusals = [] if server.cuts else [Refusal(503)]
            respond(handler)

        server.respond = fail_after_the_cut
        result = user.fetch(server.port)
        assert_refused(user.folder, result, "the hub answered 503", "run again")
        server.respond, server.refusals, server.seen = respond, [], []
        assert_fetched(user, user.fetch(server.port), large_content)
        assert server.ranges() == [f"bytes={2 * CHUNK}-"] * 2


def test_a_file_with_another_hash_is_refused_until_it_is_deleted(user, content):
    user.pin(content)
    other = content.replace(b"question 7", b"another question")
    hashes = [hashlib.sha256(text).hexdigest() for text in (content, other)]
    with hub(other) as server:
        for _ in range(2):
            result = user.fetch(server.port)
            sizes = (f"Expected {len(content)} bytes", f"found {len(other)} bytes")
            advice = ("Delete the file", "arena55k/pin.yaml")
            assert_refused(user.folder, result, *hashes, *sizes, *advice)
        # It was downloaded once.
        assert len(server.seen) == 2
    path = Path(result.stderr.split("error: ")[1].split(" is not the file")[0])
    assert path.read_bytes() == other and path.is_relative_to(user.home)
    path.unlink()
    with hub(content) as server:
        assert_fetched(user, user.fetch(server.port), content)


@pytest.mark.parametrize(
    ("status", "error_code", "advice"),
    [
        (401, "RepoNotFound", ("answered 401", "hf auth login", "HF_TOKEN")),
        (403, "GatedRepo", ("answered 403 (Ask first)", "accept its terms")),
        (404, "RevisionNotFound", ("answered 404", "Correct repository, revision and file")),
        (500, "", ("answered 500", "run again later")),
    ],
)
def test_a_refusal_says_what_to_do(user, content, status, error_code, advice):
    user.pin(content)
    with hub(content) as server:
        headers = {"X-Error-Code": error_code, "X-Error-Message": "Ask first"}
        server.refusals = [Refusal(status, headers)]
        result = user.fetch(server.port)
        assert_refused(user.folder, result, *advice, "set data.source to its path")
        assert len(server.seen) == 1


def test_too_many_requests_are_followed_by_the_wait_that_is_asked_for(user, content):
    user.pin(content)
    with hub(content) as server:
        server.refusals = [Refusal(429, {"Retry-After": "2"})]
        assert_fetched(user, user.fetch(server.port), content)
        first, second, _ = (request.time for request in server.seen)
        assert second - first >= 2


def test_too_many_requests_for_long_end_with_advice(user, content):
    user.pin(content)
    with hub(content) as server:
        server.refusals = [Refusal(429, {"Retry-After": "0"})] * 20
        result = user.fetch(server.port)
        assert_refused(user.folder, result, "answered 429", "Wait some minutes", "HF_TOKEN")
        assert len(server.seen) > 3


def test_no_hub_and_no_cache(user, content):
    user.pin(content)
    result = user.fetch(free_port())
    assert_refused(user.folder, result, "the network failed", "HF_ENDPOINT", "resumes where")


def test_offline_without_the_file(user, content):
    user.pin(content)
    with hub(content) as server:
        result = user.fetch(server.port, HF_HUB_OFFLINE="1")
        assert_refused(user.folder, result, "offline mode is on", "without HF_HUB_OFFLINE")
        assert server.seen == []


def test_more_than_the_file_in_the_cache_is_to_be_deleted(user, content):
    """Such as after the pin was changed to a shorter file, while a longer one was under way."""
    user.pin(content)
    folder = cached_assets_path("arena55k", DATASET, REVISION, assets_dir=user.home / "assets")
    (folder / "train.csv.partial").write_bytes(content + b"more")
    with hub(content) as server:
        result = user.fetch(server.port)
    assert_refused(user.folder, result, "answered 416", "Delete the .partial file", str(user.home))


def test_a_home_that_cannot_be_written_to(user, content):
    user.pin(content)
    user.home.write_text("a file, and no folder")
    result = user.fetch(free_port())
    assert_refused(user.folder, result, "HF_HOME")


@pytest.mark.parametrize(
    "change", [{"revision": "main"}, {"sha256": "0"}, {"size": "many"}, {"file": None}, {"new": 1}]
)
def test_a_pin_that_pins_nothing_is_refused(user, content, change, monkeypatch):
    user.pin(content, **change)
    monkeypatch.setattr(pin, "PIN_FILE", user.code / "arena55k" / "pin.yaml")
    with pytest.raises(BadInput, match=f"arena55k/pin.yaml, correct it: {next(iter(change))}: "):
        pin.read_pin()


def test_the_committed_pin_is_the_known_file():
    """The size and hash that were recorded elsewhere, at the revision that public code pins."""
    committed = pin.read_pin()
    assert (committed.size, committed.battles) == (184_175_071, 57_477)
    assert committed.sha256.startswith("0692154aaf20fc66")
    assert committed.revision.startswith("18c298340948c0e7")
