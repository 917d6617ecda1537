"""What `evaluate` found of a model on the test battles, where it was this very model.

The evaluation writes down the hash of the weights that it has read: figures of the same name but of
other weights are those of another training.
"""

import json
from pathlib import Path

from preference.errors import BadInput
from preference.group_bootstrap import Estimate
from preference.manifest import FiguresOnTest, Manifest
from preference.model_card import MEASURES
from preference.saved_model import WEIGHTS


def find_tested(details: Path, manifest: Manifest) -> FiguresOnTest | None:
    """Return the figures of `metrics/evaluation_details.json`; None where it has none of these.

    Raises:
        BadInput: the file is damaged.
    """
    if not details.exists():
        return None
    try:
        return _read_tested(details, manifest)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{details} is damaged ({type(error).__name__}: {error}). Run `dvc repro evaluate`."
        ) from error


def _read_tested(details: Path, manifest: Manifest) -> FiguresOnTest | None:
    evaluation = json.loads(details.read_text(encoding="utf-8"))
    weights = evaluation.get("weights", {}).get(manifest.name, [])
    if manifest.files[WEIGHTS] not in weights:
        return None
    figures = evaluation["models"][manifest.name]
    return FiguresOnTest(
        battles=evaluation["rows"],
        groups=evaluation["groups"],
        trainings=len(weights),
        both_orders=evaluation["averages_both_orders"],
        metrics={name: Estimate(**figures[name]) for name in MEASURES},
    )
