"""Pack a bundle into a zip file, its card with the figures of the test battles."""

import hashlib
from dataclasses import replace
from pathlib import Path

from jinja2 import UndefinedError

from preference.bundle_archive import pack
from preference.errors import BadInput
from preference.manifest import CARD, MANIFEST, check_files, manifest_text, read_manifest
from preference.manifest_schema import Manifest
from preference.model_card import render_card
from preference.tested_figures import find_tested


def pack_bundle(folder: Path, archive: Path, details: Path) -> bool:
    """Write the zip file, and say whether its card has figures of the test battles.

    Args:
        folder: what a train stage wrote. Further seeds below it are bundles of their own, and are
            not packed.
        archive: the .zip file to write.
        details: `metrics/evaluation_details.json`; it need not exist.

    Raises:
        BadInput: the folder is no bundle, or it or the details are damaged.
    """
    manifest = _read_checked(folder)
    tested = replace(manifest, test=find_tested(details, manifest))
    card = _render_card(folder, tested)
    hashes = {**manifest.files, CARD: hashlib.sha256(card.encode()).hexdigest()}
    files = {
        **{name: folder / name for name in manifest.files},
        CARD: card,
        MANIFEST: manifest_text(replace(tested, files=hashes)),
    }
    pack(files, archive)
    return tested.test is not None


def _render_card(folder: Path, manifest: Manifest) -> str:
    try:
        return render_card(manifest)
    # The card names figures and parameters that every training writes, but no other code needs.
    except (LookupError, UndefinedError) as error:
        raise BadInput(
            f"{folder} cannot be packed: {MANIFEST} lacks what the card shows ({error}). Copy or "
            "train the model again."
        ) from error


def _read_checked(folder: Path) -> Manifest:
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
    except BadInput as error:
        raise BadInput(f"{folder} cannot be packed: {error}.") from error
    return manifest
