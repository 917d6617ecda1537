"""data.source: kaggle, by the stage's entry point, against a server that answers as Kaggle does.

kagglehub has no variable for an address of one's own, so the server is its proxy: it is asked for
Kaggle's own addresses, and answers in its place. As Kaggle does, it sends to a file storage.
"""

import base64
import hashlib
import io
import random
import zipfile

import pytest
from fetch_runs import as_text, assert_refused, make_rows, read_outputs, run_stage, write_csv
from local_server import LocalServer, Refusal, environment_without, free_port

ASKED = "http://localhost/api/v1/competitions.CompetitionApiService/DownloadDataFile"
STORED = "http://storage.example/competitions/lmsys-chatbot-arena/train.csv.zip?signature=s"
# kagglehub writes 1 MiB at a time.
CHUNK = 2**20
EVERY_FILE = ("sample_submission.csv", "train.csv", "test.csv")


def archive(content, names):
    """Return a zip file in which train.csv has the content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content if name == "train.csv" else "id,other\n1,2\n")
    return stream.getvalue()


@pytest.fixture(scope="session")
def content(tmp_path_factory):
    """Answers that do not get shorter than a few chunks when they are compressed."""
    rows, words = make_rows(60), random.Random(0)
    for row in rows:
        row["response_a"] = [words.randbytes(40_000).hex(), None]
    path = tmp_path_factory.mktemp("kaggle") / "train.csv"
    write_csv(path, list(map(as_text, rows)))
    return path.read_bytes()


@pytest.fixture(scope="session")
def stored(content):
    stored = archive(content, ["train.csv"])
    assert 2 * CHUNK < len(stored) < 4 * CHUNK
    return stored


def kaggle(stored):
    """Return a server that gives the file to those with the token."""

    def respond(handler):
        if handler.path == STORED:
            checksum = base64.b64encode(hashlib.md5(stored).digest()).decode()
            headers = {"x-goog-hash": f"crc32c=n03x6A==,md5={checksum}"}
            headers["Last-Modified"] = "Thu, 01 Aug 2024 00:00:00 GMT"
            return handler.send_file(stored, headers)
        if handler.path != ASKED:
            return handler.send(404)
        if handler.refuse():
            return None
        if handler.headers.get("Authorization") != "Bearer secret":
            return handler.send(401)
        return handler.send(302, headers={"Location": STORED})

    return LocalServer(respond)


def fetch(folder, port, source="kaggle", token="secret"):
    environment = {
        **environment_without("KAGGLE"),
        "HOME": str(folder / "home"),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "http_proxy": f"http://127.0.0.1:{port}",
        **({"KAGGLE_API_TOKEN": token} if token else {}),
    }
    return run_stage(folder, "fetch", source, environment=environment)


def assert_fetched(folder, result, source="kaggle"):
    assert result.returncode == 0, result.stderr
    battles, _, metrics = read_outputs(folder)
    assert battles["id"].to_pylist() == list(range(60))
    assert set(battles["source"].to_pylist()) == {source}
    return metrics["sources"][source]


def test_it_is_downloaded_once_with_progress(tmp_path, content, stored):
    with kaggle(stored) as server:
        result = fetch(tmp_path, server.port)
        described = assert_fetched(tmp_path, result)
        assert "100%" in result.stderr
        assert [request.path for request in server.seen] == [ASKED, STORED]
        # The storage is another host, which must not see the token.
        assert [request.headers.get("authorization") for request in server.seen][1] is None
    assert described["bytes"] == len(content)
    assert described["sha256"] == hashlib.sha256(content).hexdigest()
    # Now the server is down.
    assert assert_fetched(tmp_path, fetch(tmp_path, server.port)) == described


def test_a_cut_download_is_continued_in_the_next_run(tmp_path, content, stored):
    with kaggle(stored) as server:
        server.cuts = [CHUNK + 5]
        result = fetch(tmp_path, server.port)
        assert_refused(tmp_path, result, "the network failed", "resumes where it stopped")
        server.seen = []
        described = assert_fetched(tmp_path, fetch(tmp_path, server.port))
        start = int(server.ranges()[-1].removeprefix("bytes=").removesuffix("-"))
        assert CHUNK <= start <= CHUNK + 5
    assert described["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_damaged_download_is_refused(tmp_path, stored):
    with kaggle(stored) as server:
        respond = server.respond

        def damage(handler):
            if handler.path != STORED:
                return respond(handler)
            checksum = base64.b64encode(hashlib.md5(b"other").digest()).decode()
            return handler.send_file(stored, {"x-goog-hash": f"md5={checksum}"})

        server.respond = damage
        assert_refused(tmp_path, fetch(tmp_path, server.port), "has been deleted: run again")


def test_without_an_account(tmp_path, stored):
    with kaggle(stored) as server:
        result = fetch(tmp_path, server.port, token=None)
        advice = ("no Kaggle account", "KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "kaggle.json")
        assert_refused(tmp_path, result, *advice, "download the competition's zip file")
        assert server.seen == []


def test_an_account_file_that_cannot_be_read(tmp_path):
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    (tmp_path / "home" / ".kaggle" / "kaggle.json").write_text("{")
    result = fetch(tmp_path, free_port(), token=None)
    assert_refused(tmp_path, result, "Invalid Kaggle credentials file", "Make a token")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "Make a token"),
        (403, "Accept the rules of the competition lmsys-chatbot-arena"),
        (404, "may have moved"),
        (429, "Wait some minutes"),
        (500, "run again later"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path, stored, status, advice):
    with kaggle(stored) as server:
        server.refusals = [Refusal(status)]
        result = fetch(tmp_path, server.port)
    assert_refused(
        tmp_path, result, f"Kaggle answered {status}", advice, "set data.source to its path"
    )


def test_no_network_and_no_cache(tmp_path):
    result = fetch(tmp_path, free_port())
    assert_refused(tmp_path, result, "the network failed", "Check the connection")


def test_the_zip_file_that_a_user_downloaded(tmp_path, content):
    (tmp_path / "battles.zip").write_bytes(archive(content, EVERY_FILE))
    assert assert_fetched(tmp_path, fetch(tmp_path, free_port(), "battles.zip"), "battles.zip")
    # Nothing was unpacked.
    assert not list(tmp_path.rglob("*.csv"))
