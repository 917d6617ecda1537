"""Bundles that somebody has tampered with, as the bytes of their files.

Every strategy takes the files of a sound bundle, and returns those of a hostile one. The hashes in
`bundle.json` are computed again afterwards (`with_new_hashes`), because whoever tampers with a file
knows what the hashes are for.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from hypothesis import strategies as st

MANIFEST, ARCHITECTURE, WEIGHTS = "bundle.json", "model.json", "model.weights.h5"
SETTINGS, VOCABULARY = "tokenizer/tokenizer.json", "tokenizer/assets/tokenizer/vocabulary.spm"

NUMBERS = [0, -1, 1, 2, 3, 7, 0.5, -0.5, 1e-3, 5e-324, 1e308, 10**7, 2 * 10**7, 10**30, -(10**30)]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
TEXTS = [
    *["", "x", "bogus", "0.5", "nan", "1e3", "None", "all", "first", "float64", "mixed_float16"],
    *["\x1b[31mred", "one\rtwo", "\u202eabc", "\x00", "\ud800", "a" * 100_000, "# [x](http://y)"],
    *["/dev/zero", "/etc/passwd", "../../x", ".", "file:///x", "relu", "Lambda", "Dense"],
    *["WhisperTokenizer", "keras_hub>WhisperTokenizer", "BertBackbone", "preference>Unknown"],
]
DEEP = "DEEP"
VALUES = [*NUMBERS, *NOT_FINITE, *TEXTS, None, True, False, [], {}, [[]], [0] * 1000, DEEP]

Files = dict[str, "bytes | Special"]


@dataclass(frozen=True)
class Special:
    """What lies in the place of a file: a folder, a pipe that nobody writes to, or a link."""

    kind: str
    target: str = ""

    def make(self, path: Path) -> None:
        if self.kind == "folder":
            path.mkdir()
        elif self.kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(self.target)


SPECIALS = [
    Special("folder"),
    Special("pipe"),
    *(
        Special("link", target)
        for target in ("/dev/zero", "/dev/null", ".", "missing", "bundle.json")
    ),
]


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file of a bundle."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_folder(files: Mapping[str, bytes | Special], folder: Path) -> None:
    """Write a hostile bundle as a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Special):
            content.make(path)
        else:
            path.write_bytes(content)


def with_new_hashes(files: Files) -> Files:
    """Let `bundle.json` name the hash of each file as it is now, where it can be read at all."""
    try:
        values = json.loads(files[MANIFEST])
        hashes = values["files"]
        for name, content in files.items():
            if name in hashes and isinstance(content, bytes):
                hashes[name] = hashlib.sha256(content).hexdigest()
        return {**files, MANIFEST: json.dumps(values).encode()}
    except (KeyError, TypeError, ValueError, RecursionError):
        return files


def _places(value: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value inside a JSON value, but not that of the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, child in items:
        found.append((*path, key))
        if isinstance(child, dict | list):
            found += _places(child, (*path, key))
    return found


@st.composite
def tampered_json(draw: st.DrawFn, content: bytes) -> bytes:
    """Change one to three values of a JSON file, or which values it has."""
    values = json.loads(content)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(values)
        if not places:
            break
        *path, key = draw(st.sampled_from(places))
        parent = values
        for step in path:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "replace", "scale", "delete", "add", "nest"])):
            case "replace":
                # A later change must not reach the values that other examples draw.
                parent[key] = deepcopy(draw(st.sampled_from(VALUES)))
            case "scale" if isinstance(parent[key], int | float):
                parent[key] = parent[key] * draw(st.sampled_from([-1, 0, 2, 1000, 10**9, 1.5]))
            case "delete" if isinstance(parent, dict):
                del parent[key]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(TEXTS))] = deepcopy(draw(st.sampled_from(VALUES)))
            case _:
                parent[key] = [parent[key]]
    text = json.dumps(values).replace(f'"{DEEP}"', "[" * 20_000 + "]" * 20_000)
    if draw(st.integers(0, 9)) == 0:
        # The same key twice: a reader may take either.
        text = text.replace("{", '{"format": 2, "class_name": "Lambda", "prior": [1, 1, 1], ', 1)
    return text.encode()


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut, change, repeat or replace some bytes."""
    start = draw(st.integers(0, len(content)))
    length = draw(st.sampled_from([1, 2, 8, 100, len(content)]))
    new = draw(st.sampled_from([b"", b"\x00", b"\xff" * 8, b"[" * 50_000, content[:100]]))
    return content[:start] + new + content[start + length :]


def _arrays(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda name, one: names.append(name) if isinstance(one, h5py.Dataset) else None)
    return names


@st.composite
def tampered_weights(draw: st.DrawFn, content: bytes) -> bytes:
    """Change an array of an HDF5 file: its values, its type, its shape, or where it lies."""
    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        name = draw(st.sampled_from(_arrays(file)))
        values = file[name][()]
        change = draw(st.sampled_from(WEIGHT_CHANGES))
        if change == "value":
            place = draw(st.integers(0, values.size - 1))
            number = draw(st.sampled_from([*NOT_FINITE, 3e38, -3e38, 1e20, 0.0]))
            file[name][np.unravel_index(place, values.shape)] = number
            return _closed(file, stream)
        if change == "all values":
            file[name][...] = draw(st.sampled_from([*NOT_FINITE, 3e38, 1e10, 0.0]))
            return _closed(file, stream)
        del file[name]
        match change:
            case "dtype":
                dtype = draw(st.sampled_from(["f8", "f2", "i1", "u8", "S4", "c8"]))
                file[name] = values.astype(dtype)
            case "shape":
                file[name] = draw(st.sampled_from([values.T, values[..., None], values[:0], 1.0]))
            case "bomb":
                file.create_dataset(
                    name,
                    draw(st.sampled_from([(10**8,), (10**5, 10**5), (2**40,)])),
                    "f4",
                    chunks=True,
                    compression="gzip",
                )
            case "external link":
                file[name] = h5py.ExternalLink("/etc/passwd", "/x")
            case "soft link":
                file[name] = h5py.SoftLink(draw(st.sampled_from(["/", f"/{name}", "/layers"])))
            case "renamed":
                file[f"{name}_more"] = values
        return _closed(file, stream)


WEIGHT_CHANGES = [
    *["value", "value", "all values", "dtype", "shape", "bomb"],
    *["external link", "soft link", "renamed", "missing"],
]


def _closed(file: h5py.File, stream: io.BytesIO) -> bytes:
    file.close()
    return stream.getvalue()


@st.composite
def hostile_files(draw: st.DrawFn, files: dict[str, bytes], name: str) -> Files:
    """Return the files of a bundle of which one is hostile."""
    content = files[name]
    kinds = ["bytes", "special", "missing"]
    if name.endswith(".json"):
        kinds += ["json"] * 12
    if name == WEIGHTS:
        kinds += ["weights"] * 12
    match draw(st.sampled_from(kinds)):
        case "json":
            hostile: Files = {**files, name: draw(tampered_json(content))}
        case "weights":
            hostile = {**files, name: draw(tampered_weights(content))}
        case "bytes":
            hostile = {**files, name: draw(damaged_bytes(content))}
        case "special":
            hostile = {**files, name: draw(st.sampled_from(SPECIALS))}
        case _:
            hostile = {other: kept for other, kept in files.items() if other != name}
    return with_new_hashes(hostile) if draw(st.integers(0, 9)) else hostile


@st.composite
def hostile_archives(draw: st.DrawFn, files: dict[str, bytes]) -> bytes:
    """Return a packed bundle whose archive is hostile."""
    stream = io.BytesIO()
    added = draw(st.sampled_from(["nothing", "foreign", "twice", "bomb", "many", "outside"]))
    compression = draw(
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    )
    names = list(files)
    dropped = draw(st.sampled_from([None, *names]))
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name in names:
            if name != dropped:
                archive.writestr(name, files[name])
        match added:
            case "foreign":
                archive.writestr(draw(st.sampled_from(["x", "tokenizer/x", "a\\b", "x/"])), b"x")
            case "twice":
                archive.writestr(draw(st.sampled_from(names)), b"{}")
            case "bomb":
                archive.writestr(draw(st.sampled_from([*names, "bomb"])), bytes(50_000_000))
            case "many":
                for number in range(3000):
                    archive.writestr(f"tokenizer/{number}", b"")
            case "outside":
                archive.writestr(draw(st.sampled_from(["../x", "/x", "C:x", "..\\x"])), b"x")
    content = stream.getvalue()
    if draw(st.booleans()):
        # Sizes, flags and offsets stand in the directory, at the end.
        place = draw(st.integers(max(0, len(content) - 800), len(content) - 1))
        content = content[:place] + bytes([draw(st.integers(0, 255))]) + content[place + 1 :]
    return draw(damaged_bytes(content)) if draw(st.integers(0, 3)) == 0 else content
