"""A bundle as one zip file: packed to the same bytes always, unpacked with suspicion."""

import io
import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from preference.bundle.manifest import MANIFEST, parse_manifest
from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.partial_folder import partial_folder

# In the system's folder for temporary files.
UNPACKED = "preference-bundle"
# The zip format's first day.
NO_TIME = (1980, 1, 1, 0, 0, 0)
READABLE = (stat.S_IFREG | 0o644) << 16
LARGEST_MANIFEST = 2**20
# Unpacked. The weights of the largest DeBERTa v3 take 1.7 GB.
LARGEST_BUNDLE = 8 * 2**30
# Weights are packed to nine tenths of their size; the text beside them, to a tenth.
LARGEST_RATIO, SMALL_BUNDLE = 20, 2**26
# The list of an archive's entries; that of a bundle has 2 KB.
LARGEST_LIST = 2**20
# An encrypted entry is a RuntimeError, and so is an unknown compression. The last is for names.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    UnicodeDecodeError,
)


def pack(files: Mapping[str, Path | str], archive: Path) -> None:
    """Write files, by their names in the archive, or text in their place.

    The archive appears under its name when it is complete.
    """
    with writing_file(archive) as partial, zipfile.ZipFile(partial, "w") as target:
        for name, content in sorted(files.items()):
            _add(target, name, content)


@contextmanager
def bundle_folder(path: Path) -> Iterator[Path]:
    """Give the folder of a bundle; a packed one is unpacked for as long as the block runs.

    What a process that was killed meanwhile has left is removed when a bundle is next unpacked.

    Raises:
        BadInput: the path does not exist, or is neither a folder nor a zip file of a bundle.
    """
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise BadInput(f"it cannot be read ({error.strerror}). Give another path") from error
    if is_folder:
        yield path
        return
    if not exists:
        raise BadInput("it does not exist. Train it with `dvc repro`, or give the path of another")
    # Any other kind, as a pipe, would keep us waiting.
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise BadInput("it is neither a folder nor a complete zip file. Copy or pack it again")
    with partial_folder(Path(gettempdir(), UNPACKED)) as partial:
        folder = partial / UNPACKED
        folder.mkdir()
        try:
            with _ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
                _unpack(archive, folder, path.stat().st_size)
        except DAMAGED as error:
            raise BadInput(f"it cannot be unpacked ({error}). Copy or pack it again") from error
        yield folder


class _ArchiveFile(io.FileIO):
    """A file of which zipfile, that reads the list of all entries at once, gets no endless list."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes.

        Raises:
            BadInput: they are too many.
        """
        if size is not None and size > LARGEST_LIST:
            raise BadInput("it lists more files than a bundle has. Do not trust it")
        return super().read(size)


def _add(target: zipfile.ZipFile, name: str, content: Path | str) -> None:
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = READABLE
    # Else it would name the system that packed it.
    entry.create_system = 3
    if isinstance(content, str):
        target.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, target.open(entry, "w") as packed:
        shutil.copyfileobj(source, packed)


def _unpack(archive: zipfile.ZipFile, folder: Path, packed_size: int) -> None:
    """Write the files that the manifest names, and refuse an archive that has others.

    The manifest has checked that its names stay inside the folder. No entry can be longer than it
    says: zipfile reads no further.
    """
    entries = archive.infolist()
    manifest = next((entry for entry in entries if entry.filename == MANIFEST), None)
    if manifest is None:
        raise BadInput(f"it has no {MANIFEST}. Give a zip that `python -m preference package` made")
    size = sum(entry.file_size for entry in entries)
    largest = min(LARGEST_BUNDLE, max(SMALL_BUNDLE, LARGEST_RATIO * packed_size))
    if manifest.file_size > LARGEST_MANIFEST or size > largest:
        raise BadInput(
            f"unpacked it is larger ({size:,} bytes) than a bundle that is packed to "
            f"{packed_size:,}. Do not trust it"
        )
    names = sorted([MANIFEST, *parse_manifest(archive.read(MANIFEST)).files])
    if sorted(entry.filename for entry in entries if not entry.is_dir()) != names:
        raise BadInput(f"its files are not those that {MANIFEST} names. Copy or pack it again")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as packed, (folder / name).open("wb") as target:
            shutil.copyfileobj(packed, target)
