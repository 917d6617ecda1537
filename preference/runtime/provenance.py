"""Provenance of results: hashes of files and texts, versions of libraries."""

import hashlib
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

LIBRARIES = ("tensorflow", "keras", "keras-nlp", "sentencepiece", "numpy")


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_text(text: str) -> str:
    """Return the sha256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def hash_files(paths: Sequence[Path]) -> dict[str, str]:
    """Return the sha256 of files by their paths."""
    return {path.as_posix(): hash_file(path) for path in paths}


def library_versions(backend: str) -> dict[str, str]:
    """Return the versions of Python and of the libraries that training and prediction depend on.

    Args:
        backend: the package name of the library that Keras trains on.
    """
    names = dict.fromkeys([*LIBRARIES, backend])
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}
