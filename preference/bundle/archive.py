"""Pack a bundle into a zip file reproducibly, and unpack one that someone else may have made.

Guarantees
1. The same files give the same bytes.
2. Unpacking writes only the files that the manifest names, inside the folder, and refuses archives
   whose content is larger than a bundle can be.
"""

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

from preference.bundle.manifest import MANIFEST, parse_manifest, read_manifest
from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.partial_folder import partial_folder

# The name of the unpacked folder, in the system's folder for temporary files.
UNPACKED = "preference-bundle"
# The earliest time that the zip format has.
NO_TIME = (1980, 1, 1, 0, 0, 0)
READABLE = (stat.S_IFREG | 0o644) << 16
LARGEST_MANIFEST = 2**20
# In bytes, unpacked. The weights of the largest DeBERTa v3 take 1.7 GB.
LARGEST_BUNDLE = 8 * 2**30
# The largest ratio of unpacked to packed size, for bundles above `SMALL_BUNDLE`. Weights shrink to
# nine tenths of their size, and texts to one tenth.
LARGEST_RATIO, SMALL_BUNDLE = 20, 2**26
# In bytes. The list of entries in a bundle's archive has 2 KB.
LARGEST_LIST = 2**20
# RuntimeError is raised for encryption and unknown compressions, UnicodeDecodeError for names.
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
    """Write an archive atomically.

    Args:
        files: the path or the text of each file, by its name in the archive.
        archive: the zip file to write.
    """
    with writing_file(archive) as partial, zipfile.ZipFile(partial, "w") as target:
        for name, content in sorted(files.items()):
            _add(target, name, content)


def check_bundle(path: Path) -> None:
    """Check in a moment, without TensorFlow, that a path may be that of a bundle.

    Raises:
        BadInput: it does not exist, or is neither a folder with a manifest nor a zip file.
    """
    try:
        if _is_folder(path):
            read_manifest(path)
    except BadInput as error:
        raise BadInput(f"{path} cannot be used as a model: {error}.") from error


def _is_folder(path: Path) -> bool:
    """Return whether a path is that of a folder, and not of a zip file.

    Raises:
        BadInput: it is neither.
    """
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise BadInput(f"it cannot be read ({error.strerror}). Give another path") from error
    if not is_folder and not exists:
        raise BadInput("it does not exist. Train it with `dvc repro`, or give the path of another")
    # Reading another kind of file, such as a pipe, could wait forever.
    if not is_folder and not (path.is_file() and zipfile.is_zipfile(path)):
        raise BadInput("it is neither a folder nor a complete zip file. Copy or pack it again")
    return is_folder


@contextmanager
def bundle_folder(path: Path) -> Iterator[Path]:
    """Open a bundle; a zip file is unpacked into a temporary folder while the block runs.

    The leftovers of a killed process are removed when a bundle is next unpacked.

    Args:
        path: a folder or a zip file.

    Yields:
        The folder of the bundle.

    Raises:
        BadInput: the path does not exist, or is neither a folder nor a zip file of a bundle.
    """
    if _is_folder(path):
        yield path
        return
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
    """A file with a limit for one read, because zipfile reads the list of entries at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes.

        Raises:
            BadInput: `size` is larger than `LARGEST_LIST`.
        """
        if size is not None and size > LARGEST_LIST:
            raise BadInput("it lists more files than a bundle has. Do not trust it")
        return super().read(size)


def _add(target: zipfile.ZipFile, name: str, content: Path | str) -> None:
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = READABLE
    # Unix, whatever the system that packs it.
    entry.create_system = 3
    if isinstance(content, str):
        target.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, target.open(entry, "w") as packed:
        shutil.copyfileobj(source, packed)


def _unpack(archive: zipfile.ZipFile, folder: Path, packed_size: int) -> None:
    """Write the files that the manifest names, and refuse an archive that has others.

    The manifest checks that its names stay inside the folder, and zipfile reads no entry beyond its
    declared size.
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
    # `ZipInfo.is_dir` raises IndexError for an empty name; the name of a folder ends in a slash.
    if sorted(entry.filename for entry in entries if not entry.filename.endswith("/")) != names:
        raise BadInput(f"its files are not those that {MANIFEST} names. Copy or pack it again")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as packed, (folder / name).open("wb") as target:
            shutil.copyfileobj(packed, target)
