"""data.source: huggingface, by the stage's entry point, from a server that answers as the hub."""

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_hub import DATASET, REVISION, hub_of_files
from fetch_runs import assert_refused, read_outputs, run_stage
from local_server import Refusal, environment_without, free_port

from huggingface.choice import choose_files
from huggingface.listing import Listing
from huggingface.name import DatasetName, parse_name
from preference.runtime.errors import BadInput

CHUNK = 10 * 2**20
PINNED = f"hf://datasets/{DATASET}@{REVISION}"
ULTRAFEEDBACK = [
    {
        "config_name": "default",
        "data_files": [
            {"split": "train_prefs", "path": "data/train_prefs-*"},
            {"split": "test_prefs", "path": "data/test_prefs-*"},
        ],
    }
]


def parquet(rows, compression="snappy"):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream, compression=compression)
    return stream.getvalue()


def says(*texts):
    return [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant") * len(texts), texts, strict=False)
    ]


def ultrafeedback_rows(numbers, length=1):
    """Rows in the form of UltraFeedback-binarized."""
    return [
        {
            "prompt": f"question {number}",
            "prompt_id": hashlib.sha256(str(number).encode()).hexdigest(),
            "chosen": says(f"question {number}", f"good {number} " * length),
            "rejected": says(f"question {number}", f"bad {number}"),
            "messages": says(f"question {number}", f"good {number}"),
            "score_chosen": 8.5,
            "score_rejected": 7.0,
        }
        for number in numbers
    ]


def arena_rows(numbers):
    """Rows in the form of the Arena's release of 140,000 battles."""
    winners = ("model_a", "model_b", "tie", "both_bad")
    return [
        {
            "id": f"id-{number}",
            "model_a": "m",
            "model_b": "n",
            "winner": winners[number % 4],
            "evaluation_session_id": f"session-{number}",
            "evaluation_order": 1,
            "conversation_a": says(f"question {number}", "a"),
            "conversation_b": says(f"question {number}", "b"),
            "full_conversation": [],
            "conv_metadata": {"sum_assistant_a_tokens": 3},
            "category_tag": {"math_v0.1": {"math": True}},
            "language": "en",
            "is_code": False,
        }
        for number in numbers
    ]


ULTRAFEEDBACK_FILES = {
    "README.md": b"# A data set",
    "data/test_prefs-00000-of-00001.parquet": parquet(ultrafeedback_rows(range(90, 99))),
    "data/train_prefs-00000-of-00002.parquet": parquet(ultrafeedback_rows(range(20))),
    "data/train_prefs-00001-of-00002.parquet": parquet(ultrafeedback_rows(range(20, 30))),
}


class User:
    """One who runs the stage in a folder and with a cache of their own."""

    def __init__(self, folder):
        self.folder = folder
        mine = {"HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
        self.environment = environment_without("HF_", "HUGGING") | mine

    def fetch(self, port, hub=PINNED, **environment):
        environment = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", **environment}
        environment = {**self.environment, **environment}
        return run_stage(self.folder, "fetch", "huggingface", environment=environment, hub=hub)


@pytest.fixture
def user(tmp_path):
    return User(tmp_path)


def test_a_split_of_ultrafeedback_is_read_once_and_its_commit_is_recorded(user):
    with hub_of_files(ULTRAFEEDBACK_FILES, ULTRAFEEDBACK) as server:
        result = user.fetch(server.port, f"{PINNED}:train_prefs", HF_TOKEN="hf_secret")
        assert result.returncode == 0, result.stderr
        assert "train_prefs-00001-of-00002.parquet: 100%" in result.stderr
        assert {one.headers.get("authorization") for one in server.seen} == {"Bearer hf_secret"}
    battles, _, metrics = read_outputs(user.folder)
    prompts = [prompt for (prompt,) in battles["prompt"].to_pylist()]
    assert prompts == [f"question {number}" for number in range(30)]
    for row in battles.to_pylist():
        preferred = row["response_a"] if row["label"] == 0 else row["response_b"]
        assert preferred[0].startswith("good")
    found = metrics["sources"]["huggingface"]
    assert (found["rows_read"], found["rows_kept"]) == (30, 30)
    name = "data/train_prefs-00000-of-00002.parquet"
    assert len(found["files"]) == 2
    assert found["files"][f"{DATASET}/{name}"] == {
        "revision": REVISION,
        "bytes": len(ULTRAFEEDBACK_FILES[name]),
        "sha256": hashlib.sha256(ULTRAFEEDBACK_FILES[name]).hexdigest(),
    }
    # Now the server is down, and the commit is known.
    before = (user.folder / "data/battles.parquet").read_bytes()
    again = user.fetch(server.port, f"{PINNED}:train_prefs")
    assert again.returncode == 0, again.stderr
    assert (user.folder / "data/battles.parquet").read_bytes() == before


def test_without_a_revision_the_commit_is_told_and_kept_for_offline(user):
    files = {"data/train-00000-of-00001.parquet": parquet(arena_rows(range(24)))}
    name = f"hf://datasets/{DATASET}"
    with hub_of_files(files) as server:
        result = user.fetch(server.port, name)
        assert result.returncode == 0, result.stderr
        assert f"is commit {REVISION}: write @{REVISION} in data.hub" in result.stderr
        seen = len(server.seen)
        offline = user.fetch(server.port, name, HF_HUB_OFFLINE="1")
        assert offline.returncode == 0, offline.stderr
        assert len(server.seen) == seen
    battles, _, metrics = read_outputs(user.folder)
    assert battles["source_id"].to_pylist() == [f"id-{number}" for number in range(24)]
    assert set(battles["language"].to_pylist()) == {"en"}
    assert metrics["label_shares"] == {"A": 0.25, "B": 0.25, "tie": 0.5}


def test_a_cut_download_is_continued_in_the_next_run(user):
    content = parquet(ultrafeedback_rows(range(30), length=50_000), compression="none")
    assert len(content) > CHUNK + 5
    with hub_of_files({"data/train.parquet": content}) as server:
        server.cuts = [CHUNK + 5]
        respond = server.respond

        def fail_after_the_cut(handler):
            if not server.cuts:
                server.refusals = [Refusal(503)]
            respond(handler)

        server.respond = fail_after_the_cut
        result = user.fetch(server.port)
        assert_refused(user.folder, result, "the hub answered 503", "run again")
        server.respond, server.refusals, server.seen = respond, [], []
        result = user.fetch(server.port)
        assert result.returncode == 0, result.stderr
        assert server.ranges() == [f"bytes={CHUNK}-"]
    assert len(read_outputs(user.folder)[0]) == 30


@pytest.mark.parametrize(
    ("refusal", "hub", "said"),
    [
        (
            None,
            f"hf://datasets/{DATASET}@v9",
            ("answered 404", "Correct the name and the revision"),
        ),
        (
            Refusal(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Ask first"}),
            PINNED,
            ("answered 403 (Ask first)", "accept its terms", "HF_TOKEN"),
        ),
        (None, f"hf://datasets/{DATASET}", ("has several splits", ":train_prefs, :test_prefs")),
        (None, "someone", ("data.hub in params.yaml", "write it as hf://datasets/")),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(user, refusal, hub, said):
    with hub_of_files(ULTRAFEEDBACK_FILES, ULTRAFEEDBACK) as server:
        server.refusals = [refusal] if refusal else []
        assert_refused(user.folder, user.fetch(server.port, hub), *said)


def test_no_hub_and_no_cache(user):
    assert_refused(user.folder, user.fetch(free_port()), "the network failed", "HF_ENDPOINT")
    offline = user.fetch(free_port(), HF_HUB_OFFLINE="1")
    assert_refused(user.folder, offline, "offline mode is on", "without HF_HUB_OFFLINE")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hf://datasets/a/b", ("a/b", None, None, None)),
        ("a/b@v1.0:train", ("a/b", "v1.0", None, "train")),
        ("hf://datasets/a/b/en/x:test", ("a/b", None, "en/x", "test")),
        (
            "hf://datasets/a/b@refs%2Fconvert%2Fparquet/c",
            ("a/b", "refs/convert/parquet", "c", None),
        ),
    ],
)
def test_a_name_has_up_to_four_parts(text, parts):
    assert parse_name(text) == DatasetName(*parts)


HH_RLHF = [
    "harmless-base/train.jsonl.gz",
    "harmless-base/test.jsonl.gz",
    "helpful-base/train.jsonl.gz",
    "helpful-base/test.jsonl.gz",
]


@pytest.mark.parametrize(
    ("name", "files", "configs", "chosen"),
    [
        ("a/b/harmless-base:train", HH_RLHF, [], HH_RLHF[:1]),
        ("a/b:test", HH_RLHF, [], [HH_RLHF[1], HH_RLHF[3]]),
        ("a/b/helpful-base:all", HH_RLHF, [], [HH_RLHF[3], HH_RLHF[2]]),
        ("a/b", ["x.csv", "README.md", ".data/y.csv", "z.py"], [], ["x.csv"]),
        (
            "a/b",
            ["one.json", "two.json"],
            [
                {"config_name": "default", "data_files": "one.json"},
                {"config_name": "more", "data_files": "two.json"},
            ],
            ["one.json"],
        ),
        (
            "a/b/more",
            ["one.json", "two.json"],
            [{"config_name": "more", "data_files": ["two.json", "t*.csv"]}],
            ["two.json"],
        ),
    ],
)
def test_config_and_split_choose_files(name, files, configs, chosen):
    listing = Listing(commit=REVISION, sizes=dict.fromkeys(files, 1), configs=configs)
    assert choose_files(parse_name(name), listing) == chosen


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        (
            "a/b",
            HH_RLHF,
            "several splits, and none is named. Add one of :test, :train, :all",
        ),
        ("a/b/base:train", HH_RLHF, "has no config base. Add one of /harmless-base, /helpful-base"),
        ("a/b:dev", HH_RLHF, "has no split dev"),
        ("a/b", ["b.py", "README.md"], "has no Parquet, JSON or CSV files.*code of its own"),
    ],
)
def test_what_cannot_be_chosen_is_named(name, files, message):
    listing = Listing(commit=REVISION, sizes=dict.fromkeys(files, 1), configs=[])
    with pytest.raises(BadInput, match=message):
        choose_files(parse_name(name), listing)


def test_a_listing_cannot_name_a_file_elsewhere():
    with pytest.raises(ValueError, match="outside"):
        Listing(commit=REVISION, sizes={"../../x.csv": 1}, configs=[])
