"""Write the bundle of a blend: its members' bundles, its references, a card and a manifest."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from preference.bundle.blend_schema import BLEND_FORMAT, BlendManifest, NoBlend, files_of_references
from preference.bundle.manifest import CARD, MANIFEST, hash_folder, write_manifest
from preference.bundle.manifest_schema import Manifest
from preference.bundle.model_card import render_card
from preference.bundle.saving import write_bundle
from preference.runtime.strict_json import to_json

NO_BLEND_CARD = (
    "# No blend\n\n`evaluation.blend` in `params.yaml` is empty, so that there is no blend.\n"
)


def write_blend(
    members: Mapping[str, tuple[Path, Path, Manifest]],
    references: Path,
    manifest: BlendManifest,
    folder: Path,
) -> None:
    """Write the members, the references, the card and, last, `bundle.json`.

    Args:
        members: by its folder in the bundle, each member's saved model, its tokens and manifest.
        references: the folder of saved references.
        manifest: the manifest; its `files` are replaced.
        folder: the bundle's folder, new or empty.
    """
    for name, (model, tokens, described) in members.items():
        write_bundle(model, tokens, described, folder / name)
    for name in files_of_references(manifest.references):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(references / target.name, target)
    (folder / CARD).write_text(render_card(manifest), encoding="utf-8")
    write_manifest(replace(manifest, files=hash_folder(folder)), folder)


def write_no_blend(folder: Path) -> None:
    """Write a bundle that says that there is no blend; it is refused where it is used."""
    manifest = NoBlend(kind="no blend", format=BLEND_FORMAT)
    (folder / CARD).write_text(NO_BLEND_CARD, encoding="utf-8")
    (folder / MANIFEST).write_text(to_json(asdict(manifest), indent=2), encoding="utf-8")
