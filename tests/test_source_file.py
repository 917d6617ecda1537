import csv
import gzip
import io
import json
import tracemalloc
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battle_rows import MALFORMED
from preference.errors import BadInput
from preference.source_file import read_source_rows

COLUMNS = [
    "id",
    "model_a",
    "model_b",
    "prompt",
    "response_a",
    "response_b",
    "winner_model_a",
    "winner_model_b",
    "winner_tie",
]
ROW = ["7", "m", "n", '["q"]', '["a"]', '["b"]', "1", "0", "0"]


def write_csv(path, rows, header=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def zipped(content, name="train.csv"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.csv", "id\n1\n")
        archive.writestr(name, content)
    return stream.getvalue()


def read(path):
    return list(read_source_rows(path))


def test_csv_rows_are_numbered_by_the_line_on_which_they_start(tmp_path):
    two_lines = [*ROW[:3], '["q",\n"r"]', *ROW[4:]]
    path = write_csv(tmp_path / "a.csv", [ROW, two_lines, ROW])
    assert [line for line, _ in read(path)] == [2, 3, 5]
    assert read(path)[1][1]["prompt"] == '["q",\n"r"]'


def test_every_format_gives_the_same_values(tmp_path):
    plain = write_csv(tmp_path / "a.csv", [ROW, ROW])
    expected = [dict(zip(COLUMNS, ROW, strict=True))] * 2
    text = "".join(json.dumps(row) + "\n" for row in expected)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "a.zip").write_bytes(zipped(plain.read_bytes()))
    (tmp_path / "a.jsonl").write_text(text)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(pa.Table.from_pylist(expected), tmp_path / "a.parquet")
    for name in ("a.csv", "a.csv.gz", "a.zip", "a.jsonl", "a.jsonl.gz", "a.parquet"):
        assert [row for _, row in read(tmp_path / name)] == expected, name


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    path = write_csv(tmp_path / "a.csv", [ROW])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path)[0][1]["id"] == "7"


def test_model_columns_are_optional_and_other_columns_are_left_out(tmp_path):
    path = write_csv(tmp_path / "a.csv", [["x", ROW[0], *ROW[3:]]], ["extra", "id", *COLUMNS[3:]])
    assert set(read(path)[0][1]) == set(COLUMNS) - {"model_a", "model_b"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"8,m,n\n", "wrong number of fields"),
        (b"8,m,n,[],[],[],1,0,0,extra\n", "wrong number of fields"),
        (b'8,m,n,"[""q""]"x,[],[],1,0,0\n', "not valid CSV"),
        (b'8,m,n,"[""\xff""]",[],[],1,0,0\n', "not valid UTF-8"),
    ],
)
def test_bad_csv_row_costs_that_row_alone(tmp_path, line, reason):
    path = write_csv(tmp_path / "a.csv", [ROW])
    good = path.read_bytes().splitlines(keepends=True)[1]
    path.write_bytes(path.read_bytes() + line + good)
    rows = read(path)
    assert [line for line, _ in rows] == [2, 3, 4]
    assert [row.get(MALFORMED) for _, row in rows] == [None, reason, None]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not a JSON object"),
        (b'{"id": "\xff"}', "not valid UTF-8"),
    ],
)
def test_bad_json_line_costs_that_line_alone(tmp_path, line, reason):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1}\n' + line + b'\n\n{"id": 2}\n')
    rows = read(path)
    assert [line for line, _ in rows] == [1, 2, 4]
    assert [row.get(MALFORMED) for _, row in rows] == [None, reason, None]


def test_bad_bytes_in_parquet_cost_that_row_alone(tmp_path):
    answers = pa.array([b"[]", b"\xff", b"[]"])
    table = pa.table({name: ["0"] * 3 for name in COLUMNS})
    answers = pa.StringArray.from_buffers(3, *answers.buffers()[1:])
    pq.write_table(table.set_column(4, "response_a", answers), tmp_path / "a.parquet")
    rows = read(tmp_path / "a.parquet")
    assert [(line, row.get(MALFORMED)) for line, row in rows] == [
        (1, None),
        (2, "not valid UTF-8"),
        (3, None),
    ]


def test_field_of_five_megabytes(tmp_path):
    answer = json.dumps(["x" * 5_000_000])
    path = write_csv(tmp_path / "a.csv", [[*ROW[:4], answer, *ROW[5:]]])
    assert read(path)[0][1]["response_a"] == answer


def change_entry(content, offset, value):
    """Change two bytes of the last file's entry in a zip's directory."""
    entry = content.rindex(b"PK\x01\x02")
    start = entry + offset
    return content[:start] + value.to_bytes(2, "little") + content[start + 2 :]


def encrypted(content):
    return change_entry(content, 8, 1)


def compressed_by(method, content):
    return change_entry(content, 10, method)


def bad_files(folder):
    """Yield a bad file and what its error must say."""
    good = write_csv(folder / "good.csv", [ROW] * 100).read_bytes()
    table = pa.table({name: ["0"] * 1000 for name in COLUMNS})
    pq.write_table(table, folder / "good.parquet")
    parquet = (folder / "good.parquet").read_bytes()
    (folder / "folder.csv").mkdir()
    yield "missing.csv", None, "does not exist"
    yield "folder.csv", None, "not a file"
    yield "rows.xlsx", good, "Convert it to one of .csv"
    yield "empty.csv", b"", "is empty"
    yield "empty.csv.gz", gzip.compress(b""), "lacks columns: id, prompt"
    yield "header.csv", good.splitlines(keepends=True)[0], "has no rows"
    yield "blank.jsonl", b"\n\n", "has no rows"
    yield "column.csv", good.replace(b"winner_tie", b"tie"), "lacks columns: winner_tie"
    yield "twice.csv", good.replace(b"model_b", b"prompt", 1), "columns twice: prompt"
    yield "cut.csv", good[:-13], "cut short"
    yield "not.csv.gz", good, "cannot be read beyond row 0"
    yield "cut.csv.gz", gzip.compress(good)[:-20], "cannot be read beyond row"
    yield "not.zip", good, "cannot be read beyond row 0"
    yield "cut.zip", zipped(good)[:-20], "cannot be read beyond row 0"
    yield "damaged.zip", zipped(good).replace(zipped(good)[100:110], b"x" * 10), "cannot be read"
    yield "other.zip", zipped(good, "../train.csv"), "holds no train.csv"
    yield "encrypted.zip", encrypted(zipped(good)), "is encrypted"
    yield "unknown.zip", compressed_by(99, zipped(good)), "cannot be read beyond row 0"
    yield "not.parquet", good, "cannot be read beyond row 0"
    yield "cut.parquet", parquet[:-100], "cannot be read beyond row 0"


def test_bad_files_are_named_with_what_is_wrong(tmp_path):
    for name, content, message in bad_files(tmp_path):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput) as error:
            pytest.fail(f"{name} was read: {read(tmp_path / name)}")
        assert name in str(error.value)
        assert message in str(error.value), name


@pytest.mark.parametrize("extension", ["csv", "zip", "jsonl"])
def test_memory_does_not_grow_with_the_rows(tmp_path, extension):
    row = [*ROW[:4], json.dumps(["x" * 2000]), *ROW[5:]]
    path = write_csv(tmp_path / "a.csv", [row] * 5000)
    size = path.stat().st_size
    if extension == "zip":
        content, path = path.read_bytes(), tmp_path / "a.zip"
        path.write_bytes(zipped(content))
    if extension == "jsonl":
        path = tmp_path / "a.jsonl"
        path.write_text((json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n") * 5000)
    tracemalloc.start()
    for _ in read_source_rows(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 10
