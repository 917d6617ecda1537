"""Strategies for rows and files as an attacker, or a broken program, would write them."""

import csv
import datetime
import decimal
import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
from fetch_runs import FIELDS, WINNERS, as_text, make_rows
from hypothesis import strategies as st

COLUMNS = ["id", "model_a", "model_b", *FIELDS, *WINNERS]
# No hostile row has such an id by chance.
FIRST_ID = 10**12
TEXTS = [
    "",
    "\0",
    "\x1b[2J\x07",
    "\ud83d",
    "\udcff",
    "\u202e reversed \u2066",
    "\ufeff",
    "\u2028\x85\x1c",
    "'); DROP TABLE battles; --",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    '"',
    '""","',
    "a,b\r\nc\rd\n",
    "x" * 70_000,
]
JSON_TEXTS = [
    "[" * 100_000,
    "[" * 500 + "]" * 500,
    "{",
    "[]",
    "[null]",
    '["a", "b", "c", "d"]',
    '[["a"], {"b": 1}]',
    "['python']",
    '["\\ud83d\\ud83d"]',
    '["\\u0000\\u202e"]',
    "[NaN, Infinity]",
    "[1e999]",
    "9" * 5000,
    '{"id": 1, "id": 2}',
    '"text"',
    "\ufeff[]",
    "__import__('os').system('true')",
]
INTEGERS = st.sampled_from([0, 1, -1, 2, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**400])
FLOATS = st.sampled_from([0.0, 1.0, 0.5, 1e300, float("nan"), float("inf"), -float("inf")])
# Every character, also halves of one.
CHARACTERS = st.characters(exclude_categories=())
hostile_texts = st.one_of(
    st.sampled_from(TEXTS), st.sampled_from(JSON_TEXTS), st.text(CHARACTERS, max_size=20)
)
hostile_values = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, hostile_texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(hostile_texts, inner, max_size=2)
    ),
    max_leaves=4,
)


def intact_rows(count):
    """Rows that are battles; JSON may have line ends between its turns, so every second has."""
    rows = make_rows(count)
    for row in rows:
        row["id"] += FIRST_ID
    return rows


def intact_text(row):
    text = as_text(row)
    if row["id"] % 2:
        text["response_a"] = json.dumps(row["response_a"], indent=1)
    return text


def to_csv(rows, line_end="\r\n"):
    """Write lists of fields as CSV, with the bytes of half a character where a field has one."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=line_end).writerows(rows)
    return stream.getvalue().encode("utf-8", "surrogatepass")


def whole_csv(rows, line_end="\r\n"):
    fields = [[intact_text(row)[name] for name in COLUMNS] for row in rows]
    return to_csv([COLUMNS, *fields], line_end)


def whole_json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def whole_parquet(rows, **options):
    texts = [row | {name: json.dumps(row[name]) for name in FIELDS} for row in rows]
    return to_parquet(pa.Table.from_pylist(texts), **options)


def to_parquet(table, **options):
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=3, **options)
    return stream.getvalue()


def zipped(content, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("train.csv", content)
    return stream.getvalue()


@st.composite
def hostile_fields(draw, row):
    """Fields of a row in CSV, some of them hostile, or too many, or too few; but never none."""
    fields = [intact_text(row)[name] for name in COLUMNS]
    for column in draw(st.lists(st.integers(0, len(fields) - 1), max_size=3)):
        fields[column] = draw(hostile_texts)
    fields += draw(st.lists(hostile_texts, max_size=1))
    return fields[: draw(st.integers(1, len(fields)))] if draw(st.booleans()) else fields


@st.composite
def hostile_json_line(draw, row):
    """The text of one line that is not blank: mostly an object with hostile values."""
    if draw(st.integers(0, 4)) == 0:
        text = draw(st.one_of(st.sampled_from(JSON_TEXTS), st.text(CHARACTERS, max_size=20)))
        text = text.replace("\r", "").replace("\n", "")
        return text if text.strip() else "{}"
    changed = dict(row)
    for column in draw(st.lists(st.sampled_from([*COLUMNS, "other"]), max_size=3)):
        changed[column] = draw(hostile_values)
    for column in draw(st.lists(st.sampled_from(COLUMNS), max_size=2)):
        changed.pop(column, None)
    text = json.dumps(changed, ensure_ascii=draw(st.booleans()))
    return text[:-1] + ', "id": 5}' if draw(st.booleans()) else text


def release_row(number):
    """A battle as the Arena's releases have it; its id becomes one of ours by a hash."""
    messages = [{"role": "user", "content": f"q {number}"}, {"role": "assistant", "content": "a"}]
    row = {name: messages for name in ("conversation_a", "conversation_b")}
    return {"question_id": f"battle {number}", "model_a": "m", "winner": "tie", **row}


@st.composite
def release_lines(draw):
    """Lines of JSON, of which some have hostile values; and how many have not."""
    lines, intact = [], 0
    for number in range(draw(st.integers(1, 5))):
        row = release_row(number)
        for name in draw(st.lists(st.sampled_from([*row, "id"]), max_size=2)):
            row[name] = draw(
                st.one_of(
                    hostile_values,
                    st.lists(
                        st.fixed_dictionaries(
                            {"role": st.sampled_from(["user", "assistant", 5])},
                            optional={"content": hostile_values},
                        ),
                        max_size=2,
                    ),
                )
            )
        intact += row == release_row(number)
        lines.append(json.dumps(row) + "\n")
    return "".join(lines).encode(), len(lines), intact


@st.composite
def rows_among_intact(draw, hostile):
    """A list of (row, what `hostile` makes of it, or None where it is intact)."""
    rows = intact_rows(draw(st.integers(1, 6)))
    return [(row, None if draw(st.booleans()) else draw(hostile(row))) for row in rows]


broken_lines = st.one_of(
    st.sampled_from(
        [b'"', b'5,"', b'5,m,n,"[""a"",""', b'""', b'a"b,"', b'"x"y', b"\x00", b'b","']
    ),
    st.binary(min_size=1, max_size=12).map(lambda line: line.replace(b"\n", b"")),
)

FAR = 2**50
ARROW_VALUES = [
    (pa.timestamp("s"), FAR),
    (pa.timestamp("us"), 2**62),
    (pa.timestamp("ns"), 1),
    (pa.timestamp("us", tz="No/Where"), 1),
    (pa.date32(), 2**31 - 1),
    (pa.date64(), 86_400_000 * 2**30),
    (pa.time64("us"), 1),
    (pa.duration("s"), 2**62),
    (pa.list_(pa.timestamp("s")), [FAR]),
    (pa.list_(pa.string()), ["a", None]),
    (pa.large_list(pa.large_string()), ["a", "b"]),
    (pa.list_(pa.list_(pa.string())), [["a"], None]),
    (pa.struct({"role": pa.string()}), {"role": "user"}),
    (pa.map_(pa.string(), pa.int64()), [("k", 1), ("k", 2)]),
    (pa.decimal256(76, 0), decimal.Decimal("7" * 70)),
    (pa.float16(), float("nan")),
    (pa.float64(), 1e300),
    (pa.uint64(), 2**64 - 1),
    (pa.bool_(), True),
    (pa.binary(), b"\xff"),
    (pa.uuid(), b"\xff" * 16),
    (pa.string_view(), '["a"]'),
    (pa.dictionary(pa.int32(), pa.string()), "[]"),
    (pa.time32("s"), datetime.time(1)),
    (pa.null(), None),
]


@st.composite
def hostile_tables(draw):
    """A Parquet file in which some columns are of other types, with nulls; and its rows."""
    count = draw(st.integers(1, 5))
    table = pa.Table.from_pylist([intact_text(row) for row in intact_rows(count)])
    for column in draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3)):
        kind, value = draw(st.sampled_from(ARROW_VALUES))
        values = [value if draw(st.booleans()) else None for _ in range(count)]
        place = table.column_names.index(column)
        table = table.set_column(place, column, pa.array(values, kind))
    if draw(st.booleans()):
        same = pa.array([1] * count)
        twice = pa.StructArray.from_arrays([same, same], ["a", "a"])
        table = table.set_column(3, table.column_names[3], twice)
    return to_parquet(table), count


WRITERS = {
    "battles.csv": whole_csv,
    "battles.csv.gz": lambda rows: gzip.compress(whole_csv(rows)),
    "battles.jsonl": whole_json_lines,
    "battles.jsonl.gz": lambda rows: gzip.compress(whole_json_lines(rows)),
    "battles.parquet": whole_parquet,
    "battles.zip": lambda rows: zipped(whole_csv(rows)),
}
OTHER_FORMS = {
    "battles.csv": [
        lambda rows: whole_csv(rows, "\r"),
        lambda rows: whole_csv(rows, "\n"),
        lambda rows: b"\xef\xbb\xbf" + whole_csv(rows, "\r\n\r\n"),
    ],
    "battles.csv.gz": [
        lambda rows: b"".join(
            gzip.compress(line) for line in whole_csv(rows).splitlines(keepends=True)
        )
    ],
    "battles.jsonl": [lambda rows: b"\xef\xbb\xbf\n" + whole_json_lines(rows).rstrip()],
    "battles.parquet": [lambda rows: whole_parquet(rows, compression="none")],
    "battles.zip": [
        lambda rows: zipped(whole_csv(rows), zipfile.ZIP_LZMA),
        lambda rows: zipped(whole_csv(rows), zipfile.ZIP_BZIP2),
    ],
}
ENCODINGS = ("utf-16", "utf-32", "latin-1", "cp037")


@st.composite
def damaged_files(draw):
    """The name of a file, its content after damage, its rows, and whether it was left whole."""
    rows = intact_rows(draw(st.integers(1, 5)))
    written = draw(st.sampled_from(sorted(WRITERS)))
    write = draw(st.sampled_from([WRITERS[written], *OTHER_FORMS.get(written, [])]))
    whole = write(rows)
    content = bytearray(whole)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["flip", "cut", "insert", "remove", "repeat"])):
            case "flip" if place < len(content):
                content[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[place:]
            case "insert":
                content[place:place] = draw(st.binary(min_size=1, max_size=9))
            case "remove":
                del content[place : place + draw(st.integers(1, 60))]
            case "repeat":
                content += content[place:]
    name = draw(st.sampled_from([written] * 8 + sorted(WRITERS)))
    if draw(st.integers(0, 9)) == 0:
        encoding = draw(st.sampled_from(ENCODINGS))
        content = bytes(content).decode("utf-8", "replace").encode(encoding, "replace")
    return name, bytes(content), rows, (name, content) == (written, whole)
