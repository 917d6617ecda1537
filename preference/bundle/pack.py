"""Pack a bundle into a zip file, its card with the figures of the test battles."""

from dataclasses import replace
from pathlib import Path

from jinja2 import UndefinedError

from preference.bundle.archive import pack
from preference.bundle.manifest import CARD, MANIFEST, check_files, manifest_text, read_manifest
from preference.bundle.manifest_schema import FiguresOnTest, Manifest
from preference.bundle.model_card import MEASURES, render_card
from preference.models.model_files import WEIGHTS
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_text
from preference.runtime.strict_json import check_values, damaged, read_json

STAGE = "evaluate"


def find_tested(details: Path, manifest: Manifest) -> FiguresOnTest | None:
    """Return the figures of `metrics/evaluation_details.json`; None where it has none of these.

    Raises:
        BadInput: the file is damaged.
    """
    if not details.exists():
        return None
    evaluation = read_json(details, STAGE)
    try:
        weights = evaluation.get("weights", {}).get(manifest.name, [])
        if manifest.files[WEIGHTS] not in weights:
            return None
        figures = evaluation["models"][manifest.name]
        tested = {
            "battles": evaluation["rows"],
            "groups": evaluation["groups"],
            "trainings": len(weights),
            "both_orders": evaluation["averages_both_orders"],
            "metrics": {name: figures[name] for name in MEASURES},
        }
        return check_values(FiguresOnTest, tested)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(details, error, STAGE) from error


def pack_bundle(folder: Path, archive: Path, details: Path) -> bool:
    """Write the zip file, and say whether its card has figures of the test battles.

    Args:
        folder: what `stages.bundle` wrote. Further seeds below it are bundles of their own, and are
            not packed.
        archive: the .zip file to write.
        details: `metrics/evaluation_details.json`; it need not exist.

    Raises:
        BadInput: the folder is no bundle, or it or the details are damaged.
    """
    manifest = _read_checked(folder)
    tested = replace(manifest, test=find_tested(details, manifest))
    card = _render_card(folder, tested)
    hashes = {**manifest.files, CARD: hash_text(card)}
    files: dict[str, Path | str] = {
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
