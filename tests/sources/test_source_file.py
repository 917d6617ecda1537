import codecs
import gzip
import json
import tracemalloc
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_files import COLUMNS, ROW, read, write_csv, zipped

from preference.runtime.errors import BadInput
from preference.sources.line_reader import SourceLines
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import KEYED_BY_CONTENT, MALFORMED


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


def test_the_header_of_a_second_file_that_was_appended_is_no_row(tmp_path):
    path = write_csv(tmp_path / "a.csv", [ROW])
    header, row = path.read_bytes().split(b"\r\n", 1)
    quoted = b",".join(b'"%b"' % name for name in header.split(b","))
    path.write_bytes((codecs.BOM_UTF8 + quoted + b"\r\n" + row) * 2)
    rows = read(path)
    assert [row.get(MALFORMED) for _, row in rows] == [None, "the header once more", None]


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
    good = json.dumps(dict(zip(COLUMNS, ROW, strict=True))).encode()
    path.write_bytes(good + b"\n" + line + b"\n\n" + good + b"\n")
    rows = read(path)
    assert [line for line, _ in rows] == [1, 2, 4]
    assert [row.get(MALFORMED) for _, row in rows] == [None, reason, None]


def test_bad_bytes_in_parquet_cost_that_row_alone(tmp_path):
    answers = pa.array([b"[]", b"\xff", b"[]"])
    table = pa.table({name: ["[]"] * 3 for name in COLUMNS})
    answers = pa.StringArray.from_buffers(3, *answers.buffers()[1:])
    pq.write_table(table.set_column(4, "response_a", answers), tmp_path / "a.parquet")
    rows = read(tmp_path / "a.parquet")
    assert [(line, row.get(MALFORMED)) for line, row in rows] == [
        (1, None),
        (2, "not valid UTF-8"),
        (3, None),
    ]


VALUES_WITHOUT_AN_OBJECT = {
    "second": (pa.timestamp("s"), 2**50),
    "microsecond": (pa.timestamp("us"), 2**62),
    "day": (pa.date32(), 2**31 - 1),
    "duration": (pa.duration("s"), 2**62),
    "in a list": (pa.list_(pa.timestamp("s")), [2**50]),
}


@pytest.mark.parametrize("case", VALUES_WITHOUT_AN_OBJECT)
def test_value_that_python_has_no_object_for_costs_that_row_alone(tmp_path, case):
    kind, value = VALUES_WITHOUT_AN_OBJECT[case]
    table = pa.table({name: ["0"] * 3 for name in COLUMNS})
    table = table.set_column(4, "response_a", pa.array([None, value, None], kind))
    pq.write_table(table, tmp_path / "a.parquet")
    rows = read(tmp_path / "a.parquet")
    reasons = [row.get(MALFORMED) for _, row in rows]
    assert reasons == [None, "a value that cannot be read", None]


def test_structs_with_a_field_twice_cost_their_rows_and_not_the_file(tmp_path):
    ones = pa.array([1, 1])
    structs = pa.StructArray.from_arrays([ones, ones], ["a", "a"])
    table = pa.table({name: ["0"] * 2 for name in COLUMNS}).set_column(4, "response_a", structs)
    pq.write_table(table, tmp_path / "a.parquet")
    assert [row for _, row in read(tmp_path / "a.parquet")] == [
        {MALFORMED: "a value that cannot be read"}
    ] * 2


def test_quote_that_is_never_closed_costs_that_row_alone(tmp_path):
    rows = [[str(number), *ROW[1:3], '["q",\n"r"]', *ROW[4:]] for number in range(5)]
    path = write_csv(tmp_path / "a.csv", rows)
    lines = path.read_bytes().splitlines(keepends=True)
    # Rows take two lines. The first has its quote closed in the second.
    lines[3:5] = [b'1,m,n,"[""q"",[],[],1,0,0\r\n']
    path.write_bytes(b"".join(lines))
    found = read(path)
    assert [line for line, _ in found] == [2, 4, 5, 7, 9]
    assert [row.get("id") for _, row in found] == ["0", None, "2", "3", "4"]
    assert found[1][1] == {MALFORMED: "not valid CSV"}


def test_lines_that_never_become_a_row_are_read_a_few_times_only(tmp_path, monkeypatch):
    """Each of these lines leaves a quote open, also where it is itself in quotes."""
    path = tmp_path / "a.csv"
    path.write_text(",".join(COLUMNS) + "\n" + 'b","\n' * 2000 + '"x\n' + ",".join("700000000"))
    read_lines = []
    read_line = SourceLines.__next__
    monkeypatch.setattr(
        SourceLines, "__next__", lambda lines: read_lines.append(1) or read_line(lines)
    )
    rows = read(path)
    assert len(read_lines) < 10 * 2000
    assert rows[-1][1]["id"] == "7"


ONE_LINE, ONE_FIELD, MANY_FIELDS = "x" * 20_000_000, '"' + "x\n" * 10_000_000, '"\n",' * 5_000_000


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a.jsonl.gz", ONE_LINE),
        ("a.csv.gz", ONE_LINE),
        ("b.csv.gz", ONE_FIELD),
        ("c.csv.gz", MANY_FIELDS),
    ],
    ids=["json", "line", "field", "fields"],
)
def test_row_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, name, row):
    for module in ("line_reader", "csv_rows"):
        monkeypatch.setattr(f"preference.sources.{module}.MAX_ROW_CHARACTERS", 2**20)
    header = "\n" if "json" in name else ",".join(COLUMNS) + "\n"
    (tmp_path / name).write_bytes(gzip.compress((header + row).encode(), 1))
    assert (tmp_path / name).stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(BadInput, match=rf"{name}, line 2: a row of more than 1,048,576 char"):
        read(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(row)


def test_field_of_five_megabytes(tmp_path):
    answer = json.dumps(["x" * 5_000_000])
    path = write_csv(tmp_path / "a.csv", [[*ROW[:4], answer, *ROW[5:]]])
    assert read(path)[0][1]["response_a"] == answer


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


def test_an_unreadable_row_has_an_id_only_where_the_schema_has_one(tmp_path):
    (tmp_path / "a.csv").write_text("prompt,response_a,response_b\na,b,c\na,b\n")
    rows = list(read_source_rows(tmp_path / "a.csv", labelled=False))
    assert rows[1][1] == {MALFORMED: "wrong number of fields", KEYED_BY_CONTENT: True}
    row = {"question_id": 2, "prompt": "a", "response_a": 1.5, "response_b": "y"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    rows = list(read_source_rows(tmp_path / "a.jsonl", labelled=False))
    assert "id" not in rows[0][1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"prompt,response_a,response_b,\x80other\na,b,c,d\n"),
        ("a.jsonl", rb'{"prompt": "a", "response_a": "b", "response_b": "c", "\ud800other": 1}'),
    ],
)
def test_a_name_of_a_column_that_is_no_unicode_can_be_written(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    unread = Counter()
    assert len(list(read_source_rows(tmp_path / name, labelled=False, unread=unread))) == 1
    assert unread == {"\ufffdother": 1}
