"""Each container gives the same rows, and what cannot be one is refused by name."""

import csv
import gzip
import io
import json
import tracemalloc
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_files import COLUMNS, ROW, read, zstd

from preference.runtime.errors import BadInput
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import MALFORMED

TEXT = 'A "quote", a \\ backslash;\nand\ta new line: \\n é'
TURNS = json.dumps([TEXT], ensure_ascii=False)
ROWS = [
    dict(zip(COLUMNS, [str(number), *ROW[1:3], TURNS, *ROW[4:]], strict=True)) for number in (7, 8)
]
VALUES = [list(row.values()) for row in ROWS]


def write_values(separator=",", **options):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, **options).writerows([COLUMNS, *VALUES])
    return stream.getvalue()


def in_spark(rows):
    """As Spark writes them: a backslash before each quote and backslash of a quoted field."""
    quoted = [[text.replace("\\", "\\\\").replace('"', '\\"') for text in row] for row in rows]
    return "".join(",".join(f'"{text}"' for text in row) + "\n" for row in quoted)


def lone_zip(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._" + name, b"\0")
        archive.writestr("folder/" + name, content)
    return stream.getvalue()


def parquet(rows):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


CSV = write_values()
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
FILES = {
    "a.csv": CSV.encode(),
    "mark.csv": CSV.encode("utf-8-sig"),
    "utf16.csv": CSV.encode("utf-16"),
    "big-endian.csv": b"\xfe\xff" + CSV.encode("utf-16-be"),
    "no-mark.csv": CSV.encode("utf-16-le"),
    "semicolon.csv": write_values(";").encode("utf-8-sig"),
    "bar.csv": write_values("|").encode(),
    "tab.csv": write_values("\t").encode(),
    "excel.csv": b"sep=;\r\n" + write_values(";").encode(),
    "quoted.csv": write_values(";", quoting=csv.QUOTE_ALL).encode(),
    "spark.csv": in_spark([COLUMNS, *VALUES]).encode(),
    "a.tsv": write_values("\t").encode(),
    "a.jsonl": LINES.encode(),
    "parquet.zip": lone_zip("rows.parquet", parquet(ROWS)),
    "a.ndjson": LINES.encode(),
    "utf16.jsonl": LINES.encode("utf-16"),
    "a.json": json.dumps(ROWS).encode(),
    "pretty.json": json.dumps(ROWS, indent=4).encode("utf-8-sig"),
    "utf16.json": json.dumps(ROWS).encode("utf-16"),
    "lines.json": LINES.encode(),
    "array.jsonl": json.dumps(ROWS).encode(),
}
COMPRESSED = {
    ".gz": gzip.compress,
    ".zst": zstd,
    ".zip": lambda content: lone_zip("rows.csv", content),
}


@pytest.mark.parametrize("name", FILES)
def test_every_container_gives_the_same_rows(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    assert [row for _, row in read(tmp_path / name)] == ROWS


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.ndjson"])
def test_each_may_be_compressed(tmp_path, name, suffix):
    content = FILES[name]
    packed = lone_zip(name, content) if suffix == ".zip" else COMPRESSED[suffix](content)
    (tmp_path / (name + suffix)).write_bytes(packed)
    assert [row for _, row in read(tmp_path / (name + suffix))] == ROWS


def test_zstd_in_several_frames(tmp_path):
    content = FILES["a.jsonl"]
    (tmp_path / "a.jsonl.zst").write_bytes(zstd(content[:50]) + zstd(content[50:]))
    assert [row for _, row in read(tmp_path / "a.jsonl.zst")] == ROWS


def test_a_competition_has_one_file_to_train_and_one_to_predict(tmp_path):
    header = ",".join(COLUMNS[:1] + COLUMNS[3:6])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("sample_submission.csv", "id\n1\n")
        archive.writestr("train.csv", CSV)
        archive.writestr("test.csv", f'{header}\n5,"[""q""]","[""a""]","[""b""]"\n')
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    assert [row["id"] for _, row in read(tmp_path / "a.zip")] == ["7", "8"]
    assert [row["id"] for _, row in read_source_rows(tmp_path / "a.zip", labelled=False)] == ["5"]


def test_a_zip_of_a_file_without_a_name_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("nameless", CSV)
        archive.filelist[-1].filename = ""
    with pytest.raises(BadInput, match="cannot be read in a zip"):
        read(tmp_path / "a.zip")


def test_a_zip_without_a_file_to_predict_is_refused(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("train.csv", CSV)
        archive.writestr("sample_submission.csv", "id\n1\n")
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    message = r"holds 2 files \(train.csv, sample_submission.csv\), and not one test.csv"
    with pytest.raises(BadInput, match=message):
        list(read_source_rows(tmp_path / "a.zip", labelled=False))


def test_a_backslash_that_spark_has_not_written_stays(tmp_path):
    """In a field without quotes, and before any other character."""
    texts = [*ROW[:3], '["say \\n \\u00e9"]', "C:\\\\", *ROW[5:]]
    fields = [text.replace('"', '\\"') for text in texts]
    line = ",".join(f'"{text}"' if '"' in text else text for text in fields)
    (tmp_path / "a.csv").write_text(",".join(COLUMNS) + "\n" + line + "\n")
    row = read(tmp_path / "a.csv")[0][1]
    assert row["prompt"] == '["say \\n \\u00e9"]'
    assert row["response_a"] == ["C:\\\\"]


def test_a_first_line_that_is_no_json_costs_itself_alone(tmp_path):
    (tmp_path / "a.jsonl").write_text(f"[progress] start\n{LINES}")
    rows = read(tmp_path / "a.jsonl")
    assert [row.get(MALFORMED) for _, row in rows] == ["not a JSON object", *[None] * len(ROWS)]


def test_empty_fields_of_spark_are_no_doubled_quotes(tmp_path):
    rows = [[*COLUMNS, *"abcdefgh"], *([*values, *[""] * 8] for values in VALUES)]
    (tmp_path / "a.csv").write_text(in_spark(rows))
    (tmp_path / "plain.csv").write_text(in_spark([COLUMNS, *VALUES]))
    assert read(tmp_path / "a.csv") == read(tmp_path / "plain.csv")


def test_items_of_an_array_that_are_no_objects_cost_themselves_alone(tmp_path):
    items = [json.dumps(ROWS[0]), "7", '"]"', json.dumps(ROWS[1]), '{"id": ' + "9" * 5000 + "}"]
    (tmp_path / "a.json").write_text(" [" + " , ".join(items) + "\n]\n")
    rows = read(tmp_path / "a.json")
    assert [line for line, _ in rows] == [1, 2, 3, 4, 5]
    assert [row.get(MALFORMED) for _, row in rows][:4] == [None, *["not a JSON object"] * 2, None]
    assert "prompt" in rows[4][1][MALFORMED]


def test_where_a_chunk_of_an_array_ends_does_not_matter(tmp_path, monkeypatch):
    rows = [
        row | {"model_a": None, "winner_tie": -12.5e-3, "model_b": "\U0001f600"} for row in ROWS
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    expected = read(tmp_path / "a.json")
    for characters in range(1, 20):
        monkeypatch.setattr("preference.sources.json_rows.CHUNK_CHARACTERS", characters)
        assert read(tmp_path / "a.json") == expected


def test_an_item_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("preference.sources.json_rows.MAX_ROW_CHARACTERS", 2**20)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'[{"id": "' + b"x" * 20_000_000, 1))
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"a.json.gz: an object of more than 1,048,576 characters"):
        read(tmp_path / "a.json.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.zst"])
def test_memory_does_not_grow_with_the_rows(tmp_path, name):
    rows = [ROWS[0] | {"response_a": json.dumps(["x" * 2000])}] * 5000
    text = json.dumps(rows) if name == "a.json" else "".join(json.dumps(r) + "\n" for r in rows)
    packed = text.encode() if name == "a.json" else zstd(text.encode())
    (tmp_path / name).write_bytes(packed)
    tracemalloc.start()
    assert sum(1 for _ in read_source_rows(tmp_path / name)) == 5000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(text) / 10
