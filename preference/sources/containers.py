"""Open a text file of battles: plain, compressed, or in a zip, in UTF-8 or UTF-16.

Text is not unpacked to disk, and memory does not grow with the file. Parquet in a zip is unpacked,
because it is read from its end.
"""

import codecs
import gzip
import io
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TextIO, cast

import pyarrow as pa

from preference.runtime.errors import BadInput

JSON, JSON_LINES, PARQUET = ".json", ".jsonl", ".parquet"
JSON_SUFFIXES = (JSON, JSON_LINES, ".ndjson")
TEXT_SUFFIXES = (".csv", ".tsv", *JSON_SUFFIXES)
COMPRESSIONS = (".gz", ".zst", ".zip")
ENCRYPTED_FLAG = 0x1
# White space, byte-order marks, and the other half of an ASCII character in UTF-16.
NOT_THE_FIRST_CHARACTER = b" \t\r\n\xef\xbb\xbf\xff\xfe\0"
MOST_NAMED = 5


def member_to_read(labelled: bool) -> str:
    """Return the name without suffix of the file of a Kaggle competition that is to be read."""
    return "train" if labelled else "test"


def suffix_of(name: str) -> str:
    """Return the suffix that says what the rows of a file look like, without its compression's.

    It is `.parquet`, one of `TEXT_SUFFIXES`, `.zip` where a zip's own name does not say it, or
    empty where the kind is unknown.
    """
    path = PurePosixPath(name.lower())
    inner = PurePosixPath(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix
    if path.suffix == ".zip" and inner not in TEXT_SUFFIXES:
        return ".zip"
    return inner if inner in TEXT_SUFFIXES or path.suffix == PARQUET else ""


def open_text(path: Path, member: str) -> tuple[str, TextIO]:
    """Open a text file.

    Args:
        path: the file.
        member: the name, without its suffix, of the file to read in a zip with several.

    Returns:
        Its suffix, which is one of `TEXT_SUFFIXES`, and the stream. For JSON the content decides:
        an array is `JSON`, and all else `JSON_LINES`. Invalid UTF-8 becomes surrogates, so that the
        row that has it can be found.

    Raises:
        BadInput: a zip is encrypted, or does not hold one file that can be read.
    """
    suffix, stream = suffix_of(path.name), _open_bytes(path, member)
    if isinstance(stream, zipfile.ZipExtFile):
        suffix = suffix_of(stream.name)
    # pyarrow's and zipfile's streams are raw streams by their methods, though not by their types.
    buffered = io.BufferedReader(cast(io.RawIOBase, stream))
    begin = buffered.peek()
    encoding = _encoding_of(begin[:4])
    if suffix in JSON_SUFFIXES:
        # A line that is no JSON may begin with a bracket, too.
        array = b"[" if suffix == JSON else b"[{"
        is_array = begin.translate(None, NOT_THE_FIRST_CHARACTER).startswith(array)
        suffix = JSON if is_array else JSON_LINES
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    return suffix, io.TextIOWrapper(buffered, encoding, errors, newline="")


def _encoding_of(begin: bytes) -> str:
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a byte-order mark, a name of a column or a bracket still shows the order.
    if len(begin) == 4 and begin[1] == begin[3] == 0 != begin[0]:
        return "utf-16-le"
    if len(begin) == 4 and begin[0] == begin[2] == 0 != begin[1]:
        return "utf-16-be"
    return "utf-8-sig"


def _open_bytes(path: Path, member: str) -> IO[bytes] | gzip.GzipFile | pa.NativeFile:
    match path.suffix.lower():
        case ".zip":
            return _open_member(path, member)
        case ".gz":
            return gzip.open(path)
        case ".zst":
            # As an open file, because pyarrow refuses a name that is not valid UTF-8.
            return pa.CompressedInputStream(path.open("rb"), "zstd")
    return path.open("rb", buffering=0)


@contextmanager
def open_packed_parquet(path: Path, member: str) -> Iterator[IO[bytes] | None]:
    """Open the Parquet file in a zip, unpacked to a temporary file; None where there is none.

    Raises:
        BadInput: the zip is encrypted, or does not hold one file that can be read.
    """
    if path.suffix.lower() != ".zip" or not _find_member(path, member).endswith(PARQUET):
        yield None
        return
    with _open_member(path, member) as packed, TemporaryFile() as unpacked:
        shutil.copyfileobj(packed, unpacked)
        unpacked.seek(0)
        yield unpacked


def _find_member(path: Path, member: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return _choose_member(path, archive.infolist(), member).filename.lower()


def _open_member(path: Path, member: str) -> IO[bytes]:
    # The member stays readable after the archive is closed.
    with zipfile.ZipFile(path) as archive:
        chosen = _choose_member(path, archive.infolist(), member)
        if chosen.flag_bits & ENCRYPTED_FLAG:
            raise BadInput(f"{path} is encrypted. Unpack it, and name the file in it.")
        return archive.open(chosen)


def _choose_member(path: Path, entries: Sequence[zipfile.ZipInfo], member: str) -> zipfile.ZipInfo:
    # `ZipInfo.is_dir` raises IndexError for an empty name; the name of a folder ends in a slash.
    files = [
        entry
        for entry in entries
        if not entry.filename.endswith("/") and not _is_hidden(entry.filename)
    ]
    found = files
    if len(files) != 1:
        found = [entry for entry in files if _stem_of(entry.filename) == member]
    if len(found) != 1:
        names = [entry.filename for entry in files]
        named = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
        raise BadInput(
            f"{path} holds {len(names)} files ({named}), and not one {member}.csv. Unpack it, and "
            "name the file in it."
        )
    readable = (*TEXT_SUFFIXES, PARQUET)
    if suffix_of(found[0].filename) not in readable or _is_compressed(found[0].filename):
        raise BadInput(
            f"{path} holds {found[0].filename}, which cannot be read in a zip. Unpack it, and name "
            "the file in it."
        )
    return found[0]


def _is_hidden(name: str) -> bool:
    # Finder on a Mac adds a folder of this name.
    path = PurePosixPath(name)
    return path.name.startswith(".") or "__MACOSX" in path.parts


def _stem_of(name: str) -> str:
    return PurePosixPath(name.lower()).name.split(".")[0]


def _is_compressed(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in COMPRESSIONS
