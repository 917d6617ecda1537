"""Pack a bundle into a zip file whose card has the metrics on the test split."""

from dataclasses import replace
from pathlib import Path

from jinja2 import UndefinedError

from preference.bundle.archive import pack
from preference.bundle.blend_schema import BlendManifest
from preference.bundle.manifest import (
    CARD,
    MANIFEST,
    AnyManifest,
    check_assets,
    check_files,
    manifest_text,
    read_manifest,
)
from preference.bundle.manifest_schema import MetricsOnTest
from preference.bundle.model_card import SHOWN_METRICS, render_card
from preference.models.model_files import WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_text
from preference.runtime.strict_json import check_values, damaged, read_json

STAGE = "evaluate"


def read_test_metrics(details: Path, manifest: AnyManifest) -> MetricsOnTest | None:
    """Return a model's metrics on the test split.

    Args:
        details: `metrics/evaluation_details.json`; it need not exist.
        manifest: the manifest of the model's bundle.

    Returns:
        The metrics, or None if the file has none for these weights, or for this fit of a blend.

    Raises:
        BadInput: the file is damaged.
    """
    if not details.exists():
        return None
    evaluation = read_json(details, STAGE)
    try:
        weights = evaluation.get("weights", {}).get(manifest.name, [])
        identity = manifest.fit if isinstance(manifest, BlendManifest) else manifest.files[WEIGHTS]
        if identity not in weights:
            return None
        metrics = evaluation["models"][manifest.name]
        tested = {
            "battles": evaluation["rows"],
            "groups": evaluation["groups"],
            "trainings": len(weights),
            "both_orders": evaluation["averages_both_orders"],
            "metrics": {name: metrics[name] for name in SHOWN_METRICS},
        }
        return check_values(MetricsOnTest, tested)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(details, error, STAGE) from error


def pack_bundle(folder: Path, archive: Path, details: Path) -> bool:
    """Write the zip file of a bundle.

    Args:
        folder: the folder that `stages.bundle` wrote. Folders of further seeds in it are separate
            bundles, and are not packed.
        archive: the .zip file to write.
        details: `metrics/evaluation_details.json`; it need not exist.

    Returns:
        Whether the card has metrics on the test split.

    Raises:
        BadInput: the folder is not a bundle, or it or the details are damaged.
    """
    manifest = _read_checked(folder)
    tested = replace(manifest, test=read_test_metrics(details, manifest))
    card = _render_card(folder, tested)
    hashes = {**manifest.files, CARD: hash_text(card)}
    files: dict[str, Path | str] = {
        **{name: folder / name for name in manifest.files},
        CARD: card,
        MANIFEST: manifest_text(replace(tested, files=hashes)),
    }
    pack(files, archive)
    return tested.test is not None


def _render_card(folder: Path, manifest: AnyManifest) -> str:
    try:
        return render_card(manifest)
    # The card shows metrics and parameters that the schema does not require.
    except (LookupError, UndefinedError) as error:
        raise BadInput(
            f"{folder} cannot be packed: {MANIFEST} lacks what the card shows ({error}). Copy or "
            "train the model again."
        ) from error


def _read_checked(folder: Path) -> AnyManifest:
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest.files)
        check_assets(folder, manifest.files)
    except BadInput as error:
        raise BadInput(f"{folder} cannot be packed: {error}.") from error
    return manifest
