"""Read what `evaluate` needs: the targets of a split, and the predictions of all models.

Predictions, temperatures and a blend that were made with other parameters or weights than the
present ones are refused, so that every metric is that of the present model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from preference.battles.predictions import (
    Predictions,
    are_probabilities,
    check_origin,
    check_predictions,
    read_origin,
    read_predictions,
    rule_out_ties,
)
from preference.battles.soft_labels import label_columns, read_labels, read_weights
from preference.battles.splits import (
    FOLD,
    PREDICTED_SPLITS,
    fold_folder,
    read_has_ties,
    read_members,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES, FIELDS, has_oracle
from preference.config.experiment import IndexEntry, fold_of, list_folds, seeds_of
from preference.config.params import REFERENCES, EvaluationParams
from preference.config.validation import Seed, checked
from preference.evaluation.blend import BlendFit, choose_models
from preference.evaluation.scoring import RunPredictions, fit_references
from preference.evaluation.targets import Oracle, Targets
from preference.models.training_record import read_record
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import read_checked
from preference.statistics.calibration import Calibration, Temperatures

PREDICTIONS = Path("data/predictions")
CALIBRATION = Path("data/calibration")
BLEND_FIT = Path("data/blend.json")
# Columns that some sources have, and by which there are slices.
KEPT_COLUMNS = ("language", "subset")

# The training runs of each model, and the temperatures of these runs.
RawModels = dict[str, list[RunPredictions]]
FittedModels = dict[str, list[Temperatures]]


@checked
class RunCalibration:
    """The calibration of a training run, and the sha256 of the weights that it belongs to."""

    seed: Seed
    weights: str = Field(min_length=1)
    calibration: Calibration

    def temperatures(self) -> Temperatures:
        """Return the temperatures of the run."""
        return Temperatures(
            in_order=self.calibration.in_order.temperature,
            both_orders=self.calibration.both_orders.temperature,
        )


def read_battles(split: str, fold: int | None = None, fields: tuple[str, ...] = FIELDS) -> pa.Table:
    """Return the battles of a split, or of one fold, with texts, labels, slices and any oracle.

    Raises:
        BadInput: a file is missing or damaged.
    """
    columns: tuple[str, ...] = (*fields, *label_columns(BATTLES), "source_id", *KEPT_COLUMNS)
    if has_oracle(BATTLES):
        columns += ("oracle", "oracle_agreement")
    return read_split_battles(BATTLES, split_file(split), columns, fold)


def read_targets(battles: pa.Table) -> Targets:
    """Return the targets of the battles of a split.

    Raises:
        BadInput: the oracle is damaged, or older code made the split.
    """
    oracle = _read_oracle(battles) if "oracle" in battles.column_names else None
    if "near_duplicate" not in battles.column_names:
        raise BadInput("data/split/ is of older code: run `dvc repro split`.")
    return Targets(
        ids=battles["id"].to_numpy(),
        labels=read_labels(battles),
        groups=battles["group"].to_numpy(),
        near_duplicate=battles["near_duplicate"].to_numpy(),
        has_ties=read_has_ties(battles),
        oracle=oracle,
        folds=battles[FOLD].to_numpy() if FOLD in battles.column_names else None,
        weights=read_weights(battles),
    )


def read_models(
    entries: Sequence[IndexEntry], fold: int | None, calibration: Targets
) -> tuple[RawModels, FittedModels]:
    """Return the predictions of all experiments and references of a fold, and their temperatures.

    Args:
        entries: the experiments.
        fold: its number; None where the battles are split once.
        calibration: the targets of its calibration split, to which the references are calibrated.

    Raises:
        BadInput: a file is missing or damaged, or was made with other parameters or weights.
    """
    references = _read_references(fold)
    raw = {entry.name: read_runs(entry, fold) for entry in entries} | references
    fitted = {entry.name: read_temperatures(entry, fold) for entry in entries}
    return raw, fitted | fit_references(references, calibration)


def read_runs(entry: IndexEntry, fold: int | None = None) -> list[RunPredictions]:
    """Return the predictions of each training run of an experiment on a fold.

    Raises:
        BadInput: a file is missing or damaged, or was made with other parameters or weights.
    """
    return [_read_run(entry, seed) for seed in seeds_of(entry, fold)]


def _read_references(fold: int | None) -> dict[str, list[RunPredictions]]:
    folder = fold_folder(PREDICTIONS / "reference", fold)
    return {name: [_read_splits(folder / name, "predict_reference", fold)] for name in REFERENCES}


def read_calibrations(entry: IndexEntry) -> list[RunCalibration]:
    """Return the temperatures of each training run of an experiment, and its metrics with them.

    Raises:
        BadInput: the file is missing or damaged, or belongs to other weights.
    """
    path, stage = CALIBRATION / f"{entry.name}.json", f"bundle@{entry.name}"
    fitted = read_checked(list[RunCalibration], path, stage)
    present = [(seed, read_record(entry.name, seed).weights) for seed in entry.seeds]
    if [(one.seed, one.weights) for one in fitted] != present:
        raise BadInput(
            f"{path} is of other weights than the present ones: run `dvc repro`, or `dvc repro "
            f"{stage}`."
        )
    return fitted


def read_temperatures(entry: IndexEntry, fold: int | None = None) -> list[Temperatures]:
    """Return the temperatures of each training run of an experiment on a fold.

    Raises:
        BadInput: the file is missing or damaged, or belongs to other weights.
    """
    seeds = seeds_of(entry, fold)
    return [one.temperatures() for one in read_calibrations(entry) if one.seed in seeds]


def read_blends(params: EvaluationParams, entries: Sequence[IndexEntry]) -> list[BlendFit]:
    """Return the blend that was fitted to each fold, or none where `evaluation.blend` is empty.

    Raises:
        BadInput: the file is missing or damaged, or is of other folds, models or weights.
    """
    fits = read_checked(list[BlendFit], BLEND_FIT, "blend")
    folds = list_folds(entries)
    expected = choose_models(params, [*(entry.name for entry in entries), *REFERENCES])
    are_present = len(fits) == (len(folds) if expected else 0) and all(
        _is_present(fit, expected, hashes_of_weights(entries, [fold]))
        for fit, fold in zip(fits, folds, strict=False)
    )
    if not are_present:
        raise BadInput(
            f"{BLEND_FIT} is of other models or weights than the present ones: run `dvc repro`, or "
            "`dvc repro blend`."
        )
    return fits


def _is_present(fit: BlendFit, expected: Sequence[str], weights: Mapping[str, list[str]]) -> bool:
    stale = [name for name in fit.models if name in weights and fit.models[name] != weights[name]]
    return sorted(fit.models) == sorted(set(expected)) and not stale


def truncated_battles(entries: Sequence[IndexEntry]) -> dict[str, np.ndarray]:
    """Return which test battles were truncated, bool [n], by a name for each way to truncate.

    Experiments with the same length and the same truncated battles have one name.
    """
    found: dict[str, np.ndarray] = {}
    for entry in entries:
        seeds = [seeds_of(entry, fold)[0] for fold in list_folds(entries)]
        paths = [_run_folder(entry.name, seed) / "test.parquet" for seed in seeds]
        origins, by_fold = zip(
            *(read_origin(path, f"predict@{entry.name}") for path in paths), strict=True
        )
        truncated = np.concatenate(by_fold)
        name = f"longer than {origins[0].seq_len:,} tokens"
        alike = [members for other, members in found.items() if other.startswith(name)]
        if any(np.array_equal(members, truncated) for members in alike):
            continue
        # Another tokenizer may truncate other battles at the same length.
        found[f"{name} of {entry.name}" if alike else name] = truncated
    return found


def hashes_of_weights(
    entries: Sequence[IndexEntry], folds: Sequence[int | None]
) -> Mapping[str, list[str]]:
    """Return the sha256 of the weights of each experiment's training runs on these folds."""
    return {
        entry.name: [
            read_record(entry.name, seed).weights
            for seed in entry.seeds
            if fold_of(entry, seed) in folds
        ]
        for entry in entries
    }


def _read_oracle(battles: pa.Table) -> Oracle:
    probabilities = np.array(battles["oracle"].to_pylist())
    if not are_probabilities(probabilities):
        raise BadInput(
            f"{BATTLES}: some of its true probabilities are not probabilities. Run `dvc repro "
            "fetch`."
        )
    return Oracle(probabilities, agreement=battles["oracle_agreement"].to_numpy())


def _run_folder(name: str, seed: int) -> Path:
    return PREDICTIONS / name / f"seed-{seed}"


def _read_run(entry: IndexEntry, seed: int) -> RunPredictions:
    folder, stage = _run_folder(entry.name, seed), f"predict@{entry.name}"
    weights = read_record(entry.name, seed).weights
    for split in PREDICTED_SPLITS:
        check_origin(folder / f"{split}.parquet", entry.name, entry.digest, weights)
    return _read_splits(folder, stage, fold_of(entry, seed), seed)


def _read_splits(
    folder: Path, stage: str, fold: int | None, seed: int | None = None
) -> RunPredictions:
    calibration, test = (
        _read_possible(folder / f"{split}.parquet", stage, read_members(split_file(split), fold))
        for split in PREDICTED_SPLITS
    )
    return RunPredictions(calibration, test, seed)


def _read_possible(path: Path, stage: str, battles: pa.Table) -> Predictions:
    """Read predictions, and rule out ties where the source of a battle has none."""
    predictions = read_predictions(path, stage)
    has_ties = read_has_ties(battles)
    if not has_ties.all():
        check_predictions(path.as_posix(), predictions, battles["id"].to_numpy())
    return rule_out_ties(predictions, has_ties)
