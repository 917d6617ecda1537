"""Take the network and the tokenizer out of a bundle, for a training that starts from them."""

import shutil
from pathlib import Path

from preference.bundle.archive import bundle_folder
from preference.bundle.blend_schema import BlendManifest
from preference.bundle.manifest import MANIFEST, TOKENIZER, read_manifest
from preference.bundle.manifest_schema import Manifest
from preference.bundle.network import load_checked_network
from preference.models.initial_network import InitialNetwork
from preference.models.model_files import ARCHITECTURE, WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from preference.runtime.strict_json import check_values
from preference.tokenizers.tokenizer_files import copy_tokenizer


def unpack_network(path: Path, preset: str, folder: Path, tokenizer: Path) -> InitialNetwork:
    """Check a bundle as for a prediction, and copy its network and its tokenizer.

    Args:
        path: a bundle, as a folder or a zip file.
        preset: the `model.preset` that the bundle must have.
        folder: of the network, which is made.
        tokenizer: folder of the tokenizer, which is made if it does not exist.

    Raises:
        BadInput: the bundle is missing or damaged, is a blend, or has another preset.
    """
    try:
        with bundle_folder(path) as source:
            manifest = read_manifest(source)
            if isinstance(manifest, BlendManifest):
                raise BadInput("it is a blend of several models. Give the bundle of one of them")
            _check_preset(manifest, preset)
            load_checked_network(source, manifest)
            folder.mkdir(parents=True)
            for name in (ARCHITECTURE, WEIGHTS):
                shutil.copyfile(source / name, folder / name)
            # Nothing else that lies there, which no hash covers.
            copy_tokenizer(source / TOKENIZER, tokenizer)
            return _describe(path, manifest)
    except BadInput as error:
        raise BadInput(f"{path} cannot be the start of a training: {error}.") from error


def _describe(path: Path, manifest: Manifest) -> InitialNetwork:
    hashed = path / MANIFEST if path.is_dir() else path
    values = {
        "file": hashed.as_posix(),
        "sha256": hash_file(hashed),
        "data": manifest.data,
        "fold": manifest.parameters.get("split", {}).get("fold"),
    }
    try:
        return check_values(InitialNetwork, values)
    except ValueError as error:
        raise BadInput(f"its name or its {MANIFEST} is damaged ({error}). Copy it again") from error


def _check_preset(manifest: Manifest, preset: str) -> None:
    own = manifest.parameters["model"]["preset"]
    if own != preset:
        raise BadInput(
            f"its network is of the preset {own!r}, and model.preset is {preset!r}. Write "
            f"model.preset: {own}; the network and the tokenizer are then taken from the bundle"
        )
