"""Files in the Kaggle schema, written and read."""

import csv
import io
import stat
import zipfile

import pyarrow as pa

from preference.sources.readers import read_source_rows

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


def zipped(content, *names, method=zipfile.ZIP_DEFLATED, as_link=False):
    """Return a zip with test.csv, and the content under the names, or as train.csv."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("test.csv", "id\n1\n")
        for name in names or ["train.csv"]:
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.create_system = method, 3
            entry.external_attr = ((stat.S_IFLNK if as_link else stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


def read(path):
    return list(read_source_rows(path))
