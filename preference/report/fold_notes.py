"""A note on folds: who has seen which battles, and what an interval is then about."""

from collections.abc import Mapping
from typing import Any


def describe_folds(details: Mapping[str, Any]) -> str | None:
    """Explain the results of several folds; None where the battles are split once.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    if "folds" not in details:
        return None
    return (
        f"{details['folds']} folds: each battle is predicted by a training that has not seen it. "
        "These trainings share most of their data, so that an interval is about what they reach "
        "on average, over other battles as many as these; a single one of them may be better or "
        "worse."
    )
