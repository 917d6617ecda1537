"""What judges say of the battles that none of them was trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from preference.battles.predictions import read_predictions
from preference.battles.splits import PREDICTED_SPLITS
from preference.battles.table import A_WINS, TIE
from preference.config.experiment import IndexEntry
from preference.config.params import LEARNING_REFERENCES

SCORED = Path("data/scored")
BLEND = "blend"


def read_judges(entries: Sequence[IndexEntry]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read the expected scores by the first bundle of each experiment, the blend and references.

    Returns:
        The ids of the battles of calibration and test, int64 [n], and by the judge's name the
        expected score of A in each: the probability that it wins, and half of that of a tie.

    Raises:
        BadInput: a file is missing or damaged.
    """
    files = {entry.name: f"{entry.name}/seed-{entry.seeds[0]}.parquet" for entry in entries}
    others = [BLEND] if (SCORED / "test" / f"{BLEND}.parquet").exists() else []
    files |= {name: f"{name}.parquet" for name in (*others, *LEARNING_REFERENCES)}
    ids, scores = np.empty(0, dtype=np.int64), {}
    for name, file in files.items():
        calibration, test = (
            read_predictions(SCORED / split / file, "evaluate") for split in PREDICTED_SPLITS
        )
        # With folds, every battle is in test of one of them.
        only = ~np.isin(calibration.ids, test.ids)
        ids = np.concatenate([calibration.ids[only], test.ids])
        probabilities = np.concatenate([calibration.probabilities[only], test.probabilities])
        scores[name] = probabilities[:, A_WINS] + probabilities[:, TIE] / 2
    return ids, scores
