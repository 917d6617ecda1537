"""Read and write `bundle.json`: the metadata of a bundle, and the hash of each of its other files.

A bundle is a folder that `stages.bundle` writes, or the same files in a zip file. The hashes reveal
damage, such as an incomplete download. They do not show who made the files:
`preference.presets.safe_loading` prevents foreign files from running code, and
`preference.bundle.manifest_schema` checks their values.
"""

from dataclasses import asdict
from pathlib import Path

from preference.bundle.manifest_schema import FORMAT, Manifest
from preference.models.model_files import ARCHITECTURE, WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from preference.runtime.strict_json import check_values, parse_json, to_json
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS

MANIFEST, CARD, TOKENIZER = "bundle.json", "README.md", "tokenizer"
NEEDED = {ARCHITECTURE, WEIGHTS, CARD, f"{TOKENIZER}/{SETTINGS}"}
# In bytes. A manifest has a few thousand.
LARGEST = 2**18


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write `bundle.json`."""
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")


def manifest_text(manifest: Manifest) -> str:
    """Return the content of `bundle.json`."""
    return to_json(asdict(manifest), indent=2)


def read_manifest(folder: Path) -> Manifest:
    """Read `bundle.json` of a folder.

    Raises:
        BadInput: the folder is not a bundle, has a newer format, or the file is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BadInput(f"it has no {MANIFEST}. Give a folder such as models/exp2, or a packed one")
    with path.open("rb") as file:
        return parse_manifest(file.read(LARGEST + 1))


def parse_manifest(content: bytes) -> Manifest:
    """Read the content of `bundle.json`.

    Raises:
        BadInput: it has a newer format, is too large, is not strict JSON, or has a wrong value.
    """
    if len(content) > LARGEST:
        raise BadInput(f"{MANIFEST} has more than {LARGEST} bytes. Copy or train the model again")
    try:
        values = parse_json(content)
        _check_format(values)
        manifest = check_values(Manifest, values)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"{MANIFEST} is damaged ({error}). Copy or train the model again") from error
    if missing := NEEDED - set(manifest.files):
        raise BadInput(f"{MANIFEST} does not name {', '.join(sorted(missing))}. Copy it again")
    return manifest


def _check_format(values: object) -> None:
    version = values.get("format") if isinstance(values, dict) else None
    if isinstance(version, int) and FORMAT < version <= LARGEST:
        raise BadInput(
            f"it has format {version}, and this code reads format {FORMAT}. "
            "Use the code that wrote it, or a newer one"
        )


def check_files(folder: Path, manifest: Manifest) -> None:
    """Check that the files are unchanged, and that the tokenizer finds no further ones.

    Raises:
        BadInput: a file is missing, has changed, or is an asset that the manifest does not name.
    """
    for name, expected in manifest.files.items():
        if not (folder / name).is_file():
            raise BadInput(f"{name} is missing. Copy or train the model again")
        if hash_file(folder / name) != expected:
            raise BadInput(f"{name} is not the file that was saved. Copy or train the model again")
    # A tokenizer decides by their names which of these files it reads.
    for path in sorted((folder / TOKENIZER / ASSETS).glob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in manifest.files:
            raise BadInput(f"{MANIFEST} does not name {name}. Remove it, or copy the model again")
