"""Predictions of one model on one split: a Parquet file with one row for each battle.

`swapped` holds the probabilities for the answers in the other order, mapped back to the original
names: a model without position bias has `swapped == probabilities`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.battles.table import LABELS, TIE
from preference.config.validation import SequenceLength, Sha256, checked
from preference.runtime.errors import BadInput, check_exists
from preference.runtime.strict_json import check_values, damaged, parse_json, to_json

# The largest difference from 1 of the sum of three probabilities.
SUM_TOLERANCE = 1e-6
ORIGIN = b"origin"
TRUNCATED = "truncated"


@dataclass(frozen=True)
class Predictions:
    """`ids` is int64 [n]; `probabilities` and `swapped` are float64 [n, 3], in `LABELS` order."""

    ids: np.ndarray
    probabilities: np.ndarray
    swapped: np.ndarray


@checked
class Origin:
    """The provenance of predictions, so that outdated ones are noticed.

    `experiment` is the digest of the experiment's values, `weights` the sha256 of the weights file,
    and `seq_len` the length beyond which sequences were cut.
    """

    experiment: Sha256
    weights: Sha256
    seq_len: SequenceLength


def map_probabilities(
    predictions: Predictions, change: Callable[[np.ndarray], np.ndarray]
) -> Predictions:
    """Apply `change`, from [n, 3] to [n, 3], to the probabilities of both orders."""
    changed = change(predictions.probabilities), change(predictions.swapped)
    return Predictions(predictions.ids, *changed)


def rule_out_ties(predictions: Predictions, has_ties: np.ndarray) -> Predictions:
    """Give ties the probability 0 where a battle cannot be one, so that A and B sum to 1.

    Args:
        predictions: of n battles.
        has_ties: whether the source of each battle has ties, bool [n].
    """
    if has_ties.all():
        return predictions

    def without_ties(probabilities: np.ndarray) -> np.ndarray:
        decided = renormalise_without_ties(probabilities)
        return np.where(has_ties[:, None], probabilities, decided)

    return map_probabilities(predictions, without_ties)


def renormalise_without_ties(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities, [..., 3], in which a tie has 0, and A and B sum to 1."""
    decided = np.delete(probabilities, TIE, axis=-1)
    return np.insert(decided / decided.sum(axis=-1, keepdims=True), TIE, 0.0, axis=-1)


def average_both_orders(predictions: Predictions) -> Predictions:
    """Return predictions whose two orders are the mean of both orders."""
    mean = (predictions.probabilities + predictions.swapped) / 2
    return Predictions(predictions.ids, mean, swapped=mean)


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write the columns `id`, `p_<label>` and `swapped_p_<label>`; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(_to_table(predictions), path)


def write_raw_predictions(
    predictions: Predictions, truncated: np.ndarray, origin: Origin, path: Path
) -> None:
    """Write a network's predictions, before any temperature scaling, with their provenance.

    Args:
        predictions: predictions of n battles.
        truncated: whether a side of the battle was cut, bool [n].
        origin: the provenance of the predictions.
        path: the Parquet file; its folder is made.
    """
    table = _to_table(predictions).append_column(TRUNCATED, pa.array(truncated))
    table = table.replace_schema_metadata({ORIGIN: to_json(asdict(origin)).encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def read_predictions(path: Path, stage: str) -> Predictions:
    """Read the predictions that the DVC stage `stage` made.

    Raises:
        BadInput: the file does not exist, or is damaged.
    """
    table = _read_table(path, stage)
    try:
        columns = [[table[f"{order}p_{label}"] for label in LABELS] for order in ("", "swapped_")]
        return Predictions(table["id"].to_numpy(), *map(np.column_stack, columns))
    except KeyError as error:
        raise damaged(path, f"it has no column {error}", stage) from error


def read_origin(path: Path, stage: str) -> tuple[Origin, np.ndarray]:
    """Return the provenance of predictions, and whether each battle was cut, bool [n].

    Raises:
        BadInput: the file does not exist, or is damaged.
    """
    table = _read_table(path, stage)
    metadata = table.schema.metadata or {}
    if ORIGIN not in metadata or TRUNCATED not in table.column_names:
        raise damaged(path, "it does not say what it was made with", stage)
    try:
        origin = check_values(Origin, parse_json(metadata[ORIGIN]))
    except ValueError as error:
        raise damaged(path, error, stage) from error
    return origin, table[TRUNCATED].to_numpy()


def check_origin(path: Path, name: str, digest: str, weights: str) -> None:
    """Check that predictions were made with an experiment's present values and weights.

    Args:
        path: the file of the predictions.
        name: the experiment.
        digest: the digest of the experiment's values.
        weights: the sha256 of the training run's weights file.

    Raises:
        BadInput: the values or weights have changed, or the file is missing or damaged.
    """
    origin, _ = read_origin(path, f"predict@{name}")
    if origin.experiment != digest:
        raise BadInput(
            f"{path} was made with other values of {name} than params.yaml has now: run `dvc "
            f"repro`, or `dvc repro train_{name} predict@{name}`."
        )
    if origin.weights != weights:
        raise BadInput(
            f"{path} was made with other weights of {name} than the present ones: run `dvc repro`, "
            f"or `dvc repro predict@{name}`."
        )


def _to_table(predictions: Predictions) -> pa.Table:
    columns = {"id": predictions.ids}
    for index, label in enumerate(LABELS):
        columns[f"p_{label}"] = predictions.probabilities[:, index]
        columns[f"swapped_p_{label}"] = predictions.swapped[:, index]
    return pa.table(columns)


def _read_table(path: Path, stage: str) -> pa.Table:
    check_exists(path, stage)
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error, stage) from error


def check_predictions(name: str, predictions: Predictions, ids: np.ndarray) -> None:
    """Check that predictions are probabilities of the battles `ids`, int64 [n], in order.

    Raises:
        BadInput: the battles are other ones, or a row is not probabilities.
    """
    if not np.array_equal(predictions.ids, ids):
        raise BadInput(f"{name}: its predictions are not those of the split's battles, in order.")
    for probabilities in (predictions.probabilities, predictions.swapped):
        check_probabilities(name, probabilities)


def check_probabilities(name: str, probabilities: np.ndarray) -> None:
    """Check that rows of [n, 3], predicted by the model `name`, are probabilities.

    Raises:
        BadInput: a row is not.
    """
    if not are_probabilities(probabilities):
        raise BadInput(
            f"{name}: some of its predictions are not probabilities. If the model was copied, copy "
            "it again; if its training diverged, lower train.learning_rate and train it again."
        )


def are_probabilities(rows: np.ndarray) -> bool:
    """Return whether each row of [n, 3] has no negative number and sums to 1."""
    # A model that diverged predicts NaN, for which every comparison is false.
    return bool(np.all(rows >= 0) and np.all(np.abs(rows.sum(axis=1) - 1) <= SUM_TOLERANCE))
