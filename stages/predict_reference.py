"""Predict the calibration and test battles with the references.

    python -m stages.predict_reference

Reads models/reference/, data/battles.parquet and the ids of both splits, but no labels; writes
data/predictions/reference/<reference>/<split>.parquet. With folds, those of each fold are in
models/reference/fold-<fold>/ and data/predictions/reference/fold-<fold>/.
"""

from pathlib import Path

from preference.battles.predictions import write_predictions
from preference.battles.splits import (
    PREDICTED_SPLITS,
    fold_folder,
    read_folds,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES, FIELDS
from preference.references.models import load_references, predict_references
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone

MODELS = Path("models/reference")
PREDICTIONS = Path("data/predictions/reference")


def main() -> None:
    """Write the predictions of each reference for the battles of each split."""
    with writing_folder(PREDICTIONS) as folder:
        for fold in read_folds(split_file("test")):
            predict_fold(fold, fold_folder(folder, fold))


def predict_fold(fold: int | None, folder: Path) -> None:
    """Write the predictions of the references of a fold, for its battles of each split."""
    references = load_references(fold_folder(MODELS, fold))
    for split in PREDICTED_SPLITS:
        battles = read_split_battles(BATTLES, split_file(split), FIELDS, fold)
        for name, predictions in predict_references(references, battles).items():
            write_predictions(predictions, folder / name / f"{split}.parquet")


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("predict_reference"):
        main()
