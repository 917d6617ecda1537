"""The split stage, on battles that look the same as others, or nearly the same."""

import json

import pyarrow.parquet as pq
import pytest
from fetch_runs import as_text, make_rows, read_outputs, run_stage, write_csv

SPLITS = ("train", "valid", "calibration", "test")
EXTRA = "data/extra/more.csv"
# What was divided, and others: default-ignorable, format and control characters, and several.
HIDDEN = [
    *("\u200b", "\ufeff", "\u00ad", "\u200f", "\ufe0f", "\x00"),
    *("\u2060", "\u061c", "\u034f", "\u180e", "\u115f", "\u3164", "\U000e0041", "\U000e0100"),
    *("\x1b", "\x9f", "\ufff9", "\u202e\u200b", "\u200d\u200c\x00", "\ufe0f\u00ad"),
]
PLACES = (
    lambda text, hidden: hidden + text,
    lambda text, hidden: text[:9] + hidden + text[9:],
    lambda text, hidden: text + hidden,
    lambda text, hidden: hidden + " " + text.replace(" ", hidden + " " + hidden),
)
PAIRS, NEAR_PAIRS = 300, 150


def numbered(count, first=0):
    """Return rows whose texts no other has, and that are no near duplicates either."""
    rows = make_rows(count)
    for number, row in enumerate(rows, start=first):
        row["id"] = number
        for name in ("prompt", "response_a", "response_b"):
            words = [f"{name} {number} {part} {number}" for part in ("one", "two", "three")]
            row[name] = [" ".join(words), "more"]
    return rows


def pairs_that_look_the_same():
    """Return pairs of rows; of every other, the prompts look the same, and else both answers."""
    rows = numbered(2 * PAIRS)
    pairs = list(zip(rows[:PAIRS], rows[PAIRS:], strict=True))
    for number, (one, other) in enumerate(pairs):
        hidden = HIDDEN[number // 2 % len(HIDDEN)]
        place = PLACES[number // 3 % len(PLACES)]
        if number % 2:
            other["prompt"] = [place(turn, hidden) for turn in one["prompt"]]
        else:
            other["response_a"] = [place(turn, hidden) for turn in one["response_b"]]
            other["response_b"] = [place(turn, hidden) for turn in one["response_a"]]
    return pairs


def long_prompt(number, last):
    """Return 40 words, of which the last alone is to differ: a Jaccard similarity of 35/37."""
    return [" ".join([f"w{number}x{place}" for place in range(39)] + [last])]


def near_pairs():
    rows = numbered(2 * NEAR_PAIRS, first=10_000)
    for number, (one, other) in enumerate(zip(rows[::2], rows[1::2], strict=True)):
        for row, last in ((one, "cat"), (other, "dog")):
            row["prompt"] = long_prompt(number, last)
            row["response_a"], row["response_b"] = row["response_a"][:1], row["response_b"][:1]
    return list(zip(rows[::2], rows[1::2], strict=True))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run `fetch`, and `split` with near duplicates counted and grouped."""
    folder = tmp_path_factory.mktemp("split")
    pairs = [*pairs_that_look_the_same(), *near_pairs()]
    write_csv(folder / "main.csv", [as_text(row) for pair in pairs for row in pair])
    (folder / EXTRA).parent.mkdir(parents=True)
    extra = numbered(NEAR_PAIRS + 20, first=50_000)
    for number, row in enumerate(extra[:NEAR_PAIRS]):
        row["prompt"] = long_prompt(number, "bird")
        row["response_a"], row["response_b"] = row["response_a"][:1], row["response_b"][:1]
    write_csv(folder / EXTRA, list(map(as_text, extra)))
    assert run_stage(folder, "fetch", "main.csv", extra=[EXTRA]).returncode == 0
    return folder, {mode: run_split(folder, mode) for mode in ("count", "group")}


def run_split(folder, mode):
    done = run_stage(folder, "split", "main.csv", split={"near_duplicates": mode}, extra=[EXTRA])
    assert done.returncode == 0, done.stderr
    tables = {name: pq.read_table(folder / f"data/split/{name}.parquet") for name in SPLITS}
    split_of = {one: name for name, table in tables.items() for one in table["id"].to_pylist()}
    return tables, split_of, json.loads((folder / "metrics/split.json").read_text())


@pytest.mark.parametrize("mode", ["count", "group"])
def test_battles_that_look_the_same_are_never_divided(runs, mode):
    folder, results = runs
    _, split_of, summary = results[mode]
    ids = [(one["id"], other["id"]) for one, other in pairs_that_look_the_same()]
    assert [pair for pair in ids if split_of[pair[0]] != split_of[pair[1]]] == []
    assert [summary[f"shared_{what}"] for what in ("groups", "prompts", "answers")] == [0, 0, 0]
    # What is not shown has reached the split.
    prompts = " ".join(
        turn for turns in read_outputs(folder)[0]["prompt"].to_pylist() for turn in turns
    )
    assert all(hidden in prompts for hidden in ("\u200b", "\x00", "\ufe0f\u00ad"))


def test_near_duplicates_are_counted(runs):
    tables, split_of, summary = runs[1]["count"]
    # The third of each is an extra battle, which nothing keeps out of train.
    expected = {
        row["id"] for pair in near_pairs() for row in pair if split_of[row["id"]] != "train"
    }
    divided = [pair for pair in near_pairs() if len({split_of[row["id"]] for row in pair}) == 2]
    assert divided
    marked = {
        row["id"] for table in tables.values() for row in table.to_pylist() if row["near_duplicate"]
    }
    assert marked == expected
    for name in SPLITS[1:]:
        count = sum(split_of[one] == name for one in expected)
        assert summary[name]["near_duplicates"] == count
        assert summary[name]["near_duplicate_rate"] == pytest.approx(
            count / len(tables[name]), abs=1e-6
        )
    assert "near_duplicates" not in summary["train"]
    assert summary["extra"][EXTRA] == {"rows_in_train": NEAR_PAIRS + 20, "rows_left_out": 0}


def test_near_duplicates_are_grouped_and_extra_ones_left_out(runs):
    tables, split_of, summary = runs[1]["group"]
    assert all(split_of[one["id"]] == split_of[other["id"]] for one, other in near_pairs())
    assert len({split_of[one["id"]] for one, _ in near_pairs()}) > 1
    assert [summary[name]["near_duplicates"] for name in SPLITS[1:]] == [0, 0, 0]
    assert not any(any(table["near_duplicate"].to_pylist()) for table in tables.values())
    assert summary["extra"][EXTRA] == {"rows_in_train": 20, "rows_left_out": NEAR_PAIRS}
