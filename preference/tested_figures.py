"""What `evaluate` found of a model on the test battles, where it was this very model.

The evaluation writes down the hash of the weights that it has read: figures of the same name but of
other weights are those of another training.
"""

from pathlib import Path

from preference.manifest_schema import FiguresOnTest, Manifest
from preference.model_card import MEASURES
from preference.saved_model import WEIGHTS
from preference.strict_json import check_values, damaged, read_json

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
