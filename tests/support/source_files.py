"""Files in the Kaggle schema, written and read."""

import csv
import io
import stat
import zipfile

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


def zipped(content, name="train.csv", method=zipfile.ZIP_DEFLATED, as_link=False):
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.create_system = method, 3
    entry.external_attr = ((stat.S_IFLNK if as_link else stat.S_IFREG) | 0o644) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("test.csv", "id\n1\n")
        archive.writestr(entry, content)
    return stream.getvalue()


def read(path):
    return list(read_source_rows(path))
