"""Read and write `bundle.json`: the metadata of a bundle, and the hash of each of its other files.

A bundle is a folder that `stages.bundle` writes, or the same files in a zip file. The hashes reveal
damage, such as an incomplete download. They do not show who made the files:
`preference.presets.safe_loading` prevents foreign files from running code, and
`preference.bundle.manifest_schema` checks their values.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from preference.bundle.blend_schema import BLEND_FORMAT, CARD, MANIFEST, BlendManifest, NoBlend
from preference.bundle.manifest_schema import FORMAT, Manifest
from preference.models.model_files import ARCHITECTURE, NORMALIZATION, WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from preference.runtime.strict_json import check_values, parse_json, to_json
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS

TOKENIZER = "tokenizer"
NEEDED = {ARCHITECTURE, WEIGHTS, CARD, f"{TOKENIZER}/{SETTINGS}"}
# In bytes. A manifest has a few thousand.
LARGEST = 2**18

KINDS = ("blend", "no blend")
AnyManifest = Manifest | BlendManifest


def write_manifest(manifest: AnyManifest, folder: Path) -> None:
    """Write `bundle.json`."""
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")


def manifest_text(manifest: AnyManifest) -> str:
    """Return the content of `bundle.json`."""
    values = asdict(manifest)
    if values.get("folds", 0) is None:
        # There are none, as in every other bundle.
        del values["folds"]
    return to_json(values, indent=2)


def read_manifest(folder: Path) -> AnyManifest:
    """Read `bundle.json` of a folder.

    Raises:
        BadInput: the folder is not a bundle, has a newer format, or the file is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BadInput(f"it has no {MANIFEST}. Give a folder such as models/exp2, or a packed one")
    with path.open("rb") as file:
        return parse_manifest(file.read(LARGEST + 1))


def parse_manifest(content: bytes) -> AnyManifest:
    """Read the content of `bundle.json`.

    Raises:
        BadInput: it has a newer format, is too large, is not strict JSON, has a wrong value, or
            says that there is no blend.
    """
    if len(content) > LARGEST:
        raise BadInput(f"{MANIFEST} has more than {LARGEST} bytes. Copy or train the model again")
    try:
        values = parse_json(content)
        _check_format(values)
        kind = values.get("kind") if isinstance(values, dict) else None
        if kind == KINDS[0]:
            return _check_has_files(check_values(BlendManifest, values))
        if kind == KINDS[1]:
            check_values(NoBlend, values)
            raise BadInput(
                "it is no blend, because evaluation.blend was empty. Name models there, and run "
                "`dvc repro blend`, or give the path of another"
            )
        if kind is not None:
            raise ValueError(f"kind: it is none of {', '.join(KINDS)}")
        manifest = check_values(Manifest, values)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"{MANIFEST} is damaged ({error}). Copy or train the model again") from error
    needed = NEEDED | {NORMALIZATION} if manifest.has_features else NEEDED
    if missing := needed - set(manifest.files):
        raise BadInput(f"{MANIFEST} does not name {', '.join(sorted(missing))}. Copy it again")
    return manifest


def _check_has_files(manifest: BlendManifest) -> BlendManifest:
    if not manifest.files:
        raise ValueError("files is empty")
    return manifest


def _check_format(values: object) -> None:
    version = values.get("format") if isinstance(values, dict) else None
    known = BLEND_FORMAT if isinstance(values, dict) and "kind" in values else FORMAT
    if isinstance(version, int) and known < version <= LARGEST:
        raise BadInput(
            f"it has format {version}, and this code reads format {known}. "
            "Use the code that wrote it, or a newer one"
        )


def hash_folder(folder: Path) -> dict[str, str]:
    """Return the sha256 of all files in a folder, by their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Check that the files have the sha256 that a manifest names.

    Raises:
        BadInput: a file is missing, or has changed.
    """
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise BadInput(f"{name} is missing. Copy or train the model again")
        if hash_file(folder / name) != expected:
            raise BadInput(f"{name} is not the file that was saved. Copy or train the model again")


def check_assets(folder: Path, files: Mapping[str, str]) -> None:
    """Check that the tokenizer finds no files beyond those that a manifest names.

    A tokenizer decides by their names which of its files it reads.

    Raises:
        BadInput: there is another one.
    """
    for path in sorted((folder / TOKENIZER / ASSETS).glob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in files:
            raise BadInput(f"{MANIFEST} does not name {name}. Remove it, or copy the model again")
