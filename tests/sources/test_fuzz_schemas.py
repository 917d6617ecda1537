"""Hostile values in every schema and container: no error of ours, and no row is lost.

make fuzz     # many more of the same files
"""

import csv
import gzip
import io
import json

import pytest
from hostile_files import hostile_values
from hostile_runs import PRIOR, UNIFORM, make_folders, run_fetch, run_predict
from hypothesis import given, settings
from hypothesis import strategies as st
from source_files import zstd


def say(*texts, system=False):
    spoken = [
        {"role": ("user", "assistant")[turn % 2], "content": text}
        for turn, text in enumerate(texts)
    ]
    return [{"role": "system", "content": "Be brief."}, *spoken] if system else spoken


# A row of each schema; its prompt begins with a text that shows that it was read.
SCHEMAS = {
    "kaggle": lambda n: {
        "id": f"battle {n}",
        "prompt": [f"intact {n}"],
        "response_a": ["a"],
        "response_b": ["b"],
        "winner_model_a": 0,
        "winner_model_b": 0,
        "winner_tie": 1,
    },
    "plain text": lambda n: {
        "id": n / 2,
        "prompt": f"intact {n}",
        "response_a": "a",
        "response_b": "b",
        "winner": "model_a",
        "language": "Welsh",
    },
    "release": lambda n: {
        "question_id": f"battle {n}",
        "winner": "tie (bothbad)",
        "conversation_a": say(f"intact {n}", "a"),
        "conversation_b": say(f"intact {n}", "b"),
    },
    "mt-bench": lambda n: {
        "question_id": 81,
        "winner": "model_b",
        "conversation_a": say(f"intact {n}", "a", "and?", "c"),
        "conversation_b": say(f"intact {n}", "b", "and?", "d"),
        "turn": 1,
    },
    "text": lambda n: {"prompt": f"intact {n}", "chosen": "a", "rejected": "b"},
    "messages": lambda n: {"chosen": say(f"intact {n}", "a"), "rejected": say(f"intact {n}", "b")},
    "prompt of messages": lambda n: {
        "prompt": say(f"intact {n}"),
        "chosen": say("", "a")[1:],
        "rejected": say("", "b")[1:],
    },
    "transcripts": lambda n: {
        "chosen": f"\n\nHuman: intact {n}\n\nAssistant: a",
        "rejected": f"\n\nHuman: intact {n}\n\nAssistant: b",
    },
    "reward bench": lambda n: {
        "id": 1,
        "prompt": f"intact {n}",
        "chosen": "a",
        "rejected": "b",
        "chosen_model": "m",
        "subset": "s",
    },
    "pandalm": lambda n: {
        "idx": n,
        "instruction": f"intact {n}",
        "response1": "a",
        "response2": "b",
        "annotator1": 1,
        "annotator2": 1,
    },
}
HOSTILE_TEXTS = ["\n\nHuman:", "\n\nHuman: a\n\nAssistant: ", "model_a", "[{}]", '["a"]', "[" * 500]


def to_csv(rows, separator=","):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator)
    writer.writerow(columns)
    for row in rows:
        values = (row.get(name, "") for name in columns)
        writer.writerow([one if isinstance(one, str) else json.dumps(one) for one in values])
    return stream.getvalue().encode("utf-8", "surrogatepass")


def to_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def to_array(rows):
    return json.dumps(rows, indent=1).encode()


WRITERS = {
    "battles.csv": to_csv,
    "semicolon.csv.zst": lambda rows: zstd(to_csv(rows, ";")),
    "battles.tsv": lambda rows: to_csv(rows, "\t"),
    "battles.json": to_array,
    "battles.json.gz": lambda rows: gzip.compress(to_array(rows).decode().encode("utf-16")),
    "battles.ndjson.zst": lambda rows: zstd(to_lines(rows)),
}
objects = st.dictionaries(
    st.sampled_from(["role", "content", "type", "text", "from", "value"]),
    st.one_of(st.sampled_from(["user", "assistant", "system", "text"]), hostile_values),
    max_size=3,
)
values = st.one_of(hostile_values, st.sampled_from(HOSTILE_TEXTS), st.lists(objects, max_size=3))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_folders(tmp_path_factory, WRITERS)


def looks_like_a_list(value):
    return isinstance(value, list) or (isinstance(value, str) and value.strip()[:1] == "[")


@st.composite
def files(draw):
    """The name of a file, its rows, and how many of them are intact and must be read.

    A column of plain text with a list in it is a column of lists.
    """
    schema = draw(st.sampled_from(sorted(SCHEMAS)))
    make_row = SCHEMAS[schema]
    rows, intact = [], 0
    for number in range(draw(st.integers(1, 5))):
        row = make_row(number)
        changes = draw(st.dictionaries(st.sampled_from(sorted(row)), values, max_size=2))
        intact += not changes
        rows.append({**row, **changes})
        if schema == "plain text" and any(map(looks_like_a_list, changes.values())):
            intact = -5
    intact = max(intact, 0)
    return draw(st.sampled_from(sorted(WRITERS))), rows, intact


@given(files())
@settings(derandomize=True)
def test_hostile_values_in_every_schema_and_container(folders, file):
    name, rows, intact = file
    (folders[name] / name).write_bytes(WRITERS[name](rows))
    fetched, predicted = run_fetch(folders[name], name), run_predict(folders[name], name)
    if intact:
        assert fetched is not None and predicted is not None
    if fetched is not None:
        kept, quarantined = fetched
        assert len(kept) + len(quarantined) == len(rows)
        assert sum(row["prompt"][0].startswith("intact") for row in kept) >= intact
    if predicted is not None:
        ids, probabilities = predicted
        assert len(ids) == len(rows)
        assert sum(one == UNIFORM for one in probabilities) >= intact
        assert all(one in (PRIOR, UNIFORM) for one in probabilities)
