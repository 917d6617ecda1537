"""A file that a source has downloaded, and what identifies its content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DownloadedFile:
    """Where the file lies, its size in bytes, its hash, and the revision that it is of, if any."""

    path: Path
    size: int
    sha256: str
    revision: str | None = None


def identify_file(path: Path, revision: str | None = None) -> DownloadedFile:
    """Return the file with its size and hash. Memory does not grow with the file."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return DownloadedFile(path, path.stat().st_size, sha256, revision)
