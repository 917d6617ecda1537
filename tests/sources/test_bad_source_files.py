"""Files that cannot be read are refused by name, with what is wrong."""

import gzip
import json
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_files import COLUMNS, ROW, read, write_csv, zipped, zstd

from preference.runtime.errors import BadInput


def change_entry(content, offset, value):
    """Change two bytes of the last file's entry in a zip's directory."""
    entry = content.rindex(b"PK\x01\x02")
    start = entry + offset
    return content[:start] + value.to_bytes(2, "little") + content[start + 2 :]


def encrypted(content):
    return change_entry(content, 8, 1)


def compressed_by(method, content):
    return change_entry(content, 10, method)


def without_lzma_properties(content):
    """Overwrite the five bytes without which LZMA is not unpacked."""
    start = content.index(b"train.csv") + len("train.csv") + 4
    return content[:start] + b"\xff" * 5 + content[start + 5 :]


def whole_tables():
    """Yield tables as JSON that is neither an array of objects nor an object a line."""
    row = dict(zip(COLUMNS, ROW, strict=True))
    yield pd.DataFrame([row, row]).to_json()
    yield pd.DataFrame([row, row]).to_json(orient="split")
    yield json.dumps({"version": "1", "rows": [row]})
    yield json.dumps({"train": [row], "test": [row]})
    yield json.dumps({"data": [row]}, indent=2)
    yield "\n".join(json.dumps(row, indent="\t") for _ in range(2))
    yield json.dumps(row, indent=0)


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
    yield "other.zip", zipped(good, "a.csv"), "holds 2 files (test.csv, a.csv), and not one train"
    yield "twice.zip", zipped(good, "../train.csv", "train.csv"), "holds 3 files"
    yield "nested.zip", zipped(good, "train.csv.gz"), "holds train.csv.gz, which cannot be read"
    yield "table.parquet.gz", good, "Convert it to one of .csv"
    yield "cut.csv.zst", zstd(good)[:-9], "cannot be read beyond row"
    yield "not.csv.zst", good, "cannot be read beyond row 0"
    yield "cut.json", b'[{"id": 1}, {"id"', "cannot be read beyond row 1 "
    yield "open.json", b'[{"id": 1}', "the array has no end"
    yield "comma.json", b'[{"id": 1},]', "a comma without an item"
    yield "more.json", b'[{"id": 1}] 7', "text after the end"
    for number, table in enumerate(whole_tables()):
        yield f"{number}.json", table.encode(), "one JSON object for all rows"
    yield "capital.csv", good.replace(b"prompt", b"Prompt", 1), "has the columns 'Prompt'."
    yield "one-line.jsonl", b'{"a": [' + b"{}," * 2**24, "has all rows on one line"
    yield "spaces.csv", good.replace(b",", b", "), "has the columns ' model_a', "
    yield "half.csv", "id,prompt".encode("utf-16")[:-1], "cannot be read beyond row 0"
    yield "encrypted.zip", encrypted(zipped(good)), "is encrypted"
    yield "unknown.zip", compressed_by(99, zipped(good)), "cannot be read beyond row 0"
    yield "lzma.zip", without_lzma_properties(zipped(good, method=zipfile.ZIP_LZMA)), "row 0"
    yield "name.zip", zipped(good, "\u00e9").replace("\u00e9".encode(), b"\xff\xff"), "row 0"
    yield "link.zip", zipped("/etc/passwd", as_link=True), "lacks columns: id, prompt"
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
