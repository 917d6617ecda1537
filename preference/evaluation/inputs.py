"""Read what `evaluate` needs: the targets of a split, and the predictions of all models.

Predictions, temperatures and a blend that were made with other parameters or weights than the
present ones are refused, so that every metric is that of the present model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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
from preference.battles.splits import (
    PREDICTED_SPLITS,
    read_has_ties,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES, FIELDS, has_oracle
from preference.config.experiment import IndexEntry
from preference.config.params import REFERENCES, EvaluationParams
from preference.config.validation import Seed, checked
from preference.evaluation.blend import BlendFit, choose_models
from preference.evaluation.scoring import RunPredictions
from preference.evaluation.targets import Oracle, Targets
from preference.models.training_record import read_record
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import read_checked
from preference.statistics.calibration import Calibration, Temperatures

PREDICTIONS = Path("data/predictions")
CALIBRATION = Path("data/calibration")
BLEND_FIT = Path("data/blend.json")


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


def read_battles(split: str) -> pa.Table:
    """Return the battles of a split with texts, labels and, where simulated, the oracle.

    Raises:
        BadInput: a file is missing or damaged.
    """
    columns: tuple[str, ...] = (*FIELDS, "label")
    if has_oracle(BATTLES):
        columns += ("oracle", "oracle_agreement")
    return read_split_battles(BATTLES, split_file(split), columns)


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
        labels=battles["label"].to_numpy(),
        groups=battles["group"].to_numpy(),
        near_duplicate=battles["near_duplicate"].to_numpy(),
        has_ties=read_has_ties(battles),
        oracle=oracle,
    )


def read_runs(entry: IndexEntry) -> list[RunPredictions]:
    """Return the predictions of each training run of an experiment.

    Raises:
        BadInput: a file is missing or damaged, or was made with other parameters or weights.
    """
    return [_read_run(entry, seed) for seed in entry.seeds]


def read_references() -> dict[str, list[RunPredictions]]:
    """Return the predictions of each reference.

    Raises:
        BadInput: a file is missing or damaged.
    """
    return {
        name: [_read_splits(PREDICTIONS / "reference" / name, "predict_reference")]
        for name in REFERENCES
    }


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


def read_temperatures(entry: IndexEntry) -> list[Temperatures]:
    """Return the temperatures of each training run of an experiment.

    Raises:
        BadInput: the file is missing or damaged, or belongs to other weights.
    """
    return [one.temperatures() for one in read_calibrations(entry)]


def read_blend(params: EvaluationParams, entries: Sequence[IndexEntry]) -> BlendFit | None:
    """Return the fitted blend, or None where `evaluation.blend` is empty.

    Raises:
        BadInput: the file, a list of at most one fit, is missing or damaged, or is of other models
            or weights.
    """
    fits = read_checked(list[BlendFit], BLEND_FIT, "blend")
    fit = fits[0] if fits else None
    weights = hashes_of_weights(entries)
    models = {} if fit is None else fit.models
    expected = choose_models(params, [*weights, *REFERENCES])
    stale = [name for name in models if name in weights and models[name] != weights[name]]
    if sorted(models) != sorted(set(expected)) or stale:
        raise BadInput(
            f"{BLEND_FIT} is of other models or weights than the present ones: run `dvc repro`, or "
            "`dvc repro blend`."
        )
    return fit


def truncated_battles(entries: Sequence[IndexEntry]) -> dict[str, np.ndarray]:
    """Return which test battles were truncated, bool [n], by a name for each way to truncate.

    Experiments with the same length and the same truncated battles have one name.
    """
    found: dict[str, np.ndarray] = {}
    for entry in entries:
        path = _run_folder(entry.name, entry.seeds[0]) / "test.parquet"
        origin, truncated = read_origin(path, f"predict@{entry.name}")
        name = f"longer than {origin.seq_len:,} tokens"
        alike = [members for other, members in found.items() if other.startswith(name)]
        if any(np.array_equal(members, truncated) for members in alike):
            continue
        # Another tokenizer may truncate other battles at the same length.
        found[f"{name} of {entry.name}" if alike else name] = truncated
    return found


def hashes_of_weights(entries: Sequence[IndexEntry]) -> Mapping[str, list[str]]:
    """Return the sha256 of the weights of each experiment's training runs."""
    return {
        entry.name: [read_record(entry.name, seed).weights for seed in entry.seeds]
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
    return _read_splits(folder, stage, seed)


def _read_splits(folder: Path, stage: str, seed: int | None = None) -> RunPredictions:
    calibration, test = (
        _read_possible(folder / f"{split}.parquet", stage, split) for split in PREDICTED_SPLITS
    )
    return RunPredictions(calibration, test, seed)


def _read_possible(path: Path, stage: str, split: str) -> Predictions:
    """Read predictions, and rule out ties where the source of a battle has none."""
    predictions, battles = read_predictions(path, stage), pq.read_table(split_file(split))
    has_ties = read_has_ties(battles)
    if not has_ties.all():
        check_predictions(path.as_posix(), predictions, battles["id"].to_numpy())
    return rule_out_ties(predictions, has_ties)
