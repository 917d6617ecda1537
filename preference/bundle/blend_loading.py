"""Load the bundle of a blend: every member and reference that it mixes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from preference.battles.predictions import SUM_TOLERANCE
from preference.bundle.archive import LARGEST_BUNDLE
from preference.bundle.blend_schema import (
    REFERENCE_FOLDER,
    BlendedReference,
    BlendManifest,
    MixWeights,
)
from preference.bundle.manifest import MANIFEST, check_assets, check_files, read_manifest
from preference.bundle.manifest_schema import Manifest
from preference.bundle.network import Bundle, check_sizes, load_network
from preference.models.model_files import WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import (
    LARGEST_VOCABULARY,
    check_file,
    refusing_damage,
)

if TYPE_CHECKING:
    from preference.references.models import Reference


@dataclass(frozen=True)
class BlendBundle:
    """A blend: the bundles and references that it mixes, each with its weights."""

    manifest: BlendManifest
    members: list[tuple[Bundle, MixWeights]]
    references: list[tuple["Reference", BlendedReference]]


def load_blend(folder: Path, manifest: BlendManifest) -> BlendBundle:
    """Load all members, after every file was checked.

    Raises:
        BadInput: a file is missing, damaged or too large, a member is itself a blend, or is not
            the one that the blend names.
    """
    _check_sizes(folder, manifest)
    check_files(folder, manifest.files)
    described = {name: _read_member(folder, name, manifest) for name in manifest.members}
    return BlendBundle(
        manifest,
        [
            (load_network(folder / name, described[name]), weights)
            for name, weights in manifest.members.items()
        ],
        [
            (_load_reference(folder / REFERENCE_FOLDER, name), blended)
            for name, blended in manifest.references.items()
        ],
    )


def _check_sizes(folder: Path, manifest: BlendManifest) -> None:
    """Check all sizes before anything is read: together, they are not larger than a bundle."""
    total = 0
    for name in manifest.files:
        path = folder / name
        if path.is_file():
            check_file(path, None if path.name == WEIGHTS else LARGEST_VOCABULARY)
            total += path.stat().st_size
    if total > LARGEST_BUNDLE:
        raise BadInput(
            f"its files have {total:,} bytes, and a bundle at most {LARGEST_BUNDLE:,}. Do not "
            "trust it"
        )
    for name in manifest.members:
        check_sizes(folder / name, manifest.files_of(name))


def _read_member(folder: Path, name: str, blend: BlendManifest) -> Manifest:
    manifest = read_manifest(folder / name)
    if not isinstance(manifest, Manifest):
        raise BadInput(f"{name} is itself a blend, and not the model of an experiment")
    _check_is_named(name, manifest, blend.files_of(name))
    if blend.simulated != manifest.simulated:
        raise BadInput(f"{MANIFEST} and that of {name} differ in simulated. Copy the model again")
    if not np.allclose(blend.prior, manifest.prior, rtol=0, atol=SUM_TOLERANCE):
        raise BadInput(f"{MANIFEST} and that of {name} differ in prior. Copy the model again")
    check_assets(folder / name, manifest.files)
    return manifest


def _check_is_named(name: str, manifest: Manifest, files: Mapping[str, str]) -> None:
    is_named = name.endswith(f"/{manifest.name}/seed-{manifest.seed}")
    if not is_named or {key: files[key] for key in files if key != MANIFEST} != manifest.files:
        raise BadInput(
            f"{name} is not the member that {MANIFEST} names, or has other files. Copy the model "
            "again"
        )


def _load_reference(folder: Path, name: str) -> "Reference":
    # What has no references needs no scikit-learn.
    try:
        from preference.references.models import load_reference
    except ModuleNotFoundError as error:
        raise BadInput(
            f"{name} needs {error.name}, which is not installed: install scikit-learn"
        ) from error
    return load_reference(name, folder, _read_reference)


def _read_reference(path: Path, parse: Callable[[bytes], Any]) -> Any:  # noqa: ANN401
    check_file(path, LARGEST_VOCABULARY)
    with refusing_damage(path.name, (ValueError,)):
        return parse(path.read_bytes())
