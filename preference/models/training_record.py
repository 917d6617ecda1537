"""The record of a training run: how the weights of a model were trained.

models/weights/<experiment>/seed-<seed>/
    model.json, model.weights.h5   the model, as `preference.models.saved_model` writes it
    features.json                  the normalisation of the features that it reads, if any
    training.json                  the record
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from preference.battles.predictions import SUM_TOLERANCE
from preference.battles.table import LABELS
from preference.config.experiment import Name
from preference.config.validation import (
    LONGEST_TEXT,
    Count,
    Finite,
    Probability,
    Seed,
    Sha256,
    Text,
    checked,
)
from preference.runtime.strict_json import read_checked, to_json
from preference.sequences.packing import Packing
from preference.sequences.token_store import FolderName

TRAINED = Path("models/weights")
RECORD = "training.json"


def _check_prior(prior: list[float]) -> list[float]:
    if abs(sum(prior) - 1) > SUM_TOLERANCE:
        raise ValueError(f"its values sum to {sum(prior):g}, not to 1")
    return prior


def _check_parameter(value: object) -> object:
    """Check that a parameter is null, a string, a finite number, a boolean, or a list of these."""
    for one in value if isinstance(value, list) else [value]:
        is_number = isinstance(one, int | float) and abs(one) < float("inf")
        is_text = isinstance(one, str) and len(one) <= LONGEST_TEXT and one.isprintable()
        if not (one is None or is_number or is_text):
            raise ValueError(
                "it is not null, a string, a finite number, a boolean or a list of these"
            )
    return value


Prior = Annotated[
    list[Probability],
    Field(min_length=len(LABELS), max_length=len(LABELS)),
    AfterValidator(_check_prior),
]
# More than any computer computes, and with few enough digits to be shown.
Amount = Annotated[Finite, Field(ge=0, le=1e18)]
Parameter = Annotated[Any, AfterValidator(_check_parameter)]


@checked
class TrainingMetrics:
    """Metrics of a training run: lengths of battles, cost, and the epoch that valid chose."""

    sequences_cut: Probability
    tokens_kept: Probability
    padding_share: Probability
    parameters: Count
    train_tflop: Amount
    gflop_per_battle: Amount
    epochs: Count
    best_epoch: Count
    valid_log_loss: Amount
    valid_accuracy: Probability

    def __post_init__(self) -> None:
        if self.best_epoch > self.epochs:
            raise ValueError(f"best_epoch is {self.best_epoch}, of {self.epochs} epochs")


@checked
class RunRecord:
    """Inputs, parameters and metrics of one training run.

    Args:
        name: of the experiment.
        seed: of the run.
        experiment: digest of the experiment's parameters.
        weights: sha256 of the weights file.
        simulated: whether the battles are simulated.
        packing: how a battle becomes two sequences.
        tokens: name of the folder below data/tokens/.
        prior: fraction of each label in train.
        training: metrics of the run.
        parameters: the sections of params.yaml that an experiment may change.
        data: sha256 of the files that the run read.
        versions: of the libraries, and the name of the processor.
    """

    name: Name
    seed: Seed
    experiment: Sha256
    weights: Sha256
    simulated: bool
    packing: Packing
    tokens: FolderName
    prior: Prior
    training: TrainingMetrics
    parameters: Mapping[Text, Mapping[Text, Parameter]]
    data: Mapping[Text, Sha256]
    versions: Mapping[Text, Text]


def run_folder(name: str, seed: int, root: Path = TRAINED) -> Path:
    """Return the folder of one training run of an experiment."""
    return root / name / f"seed-{seed}"


def write_record(record: RunRecord, folder: Path) -> None:
    """Write `training.json`."""
    (folder / RECORD).write_text(to_json(asdict(record), indent=2), encoding="utf-8")


def read_record(name: str, seed: int) -> RunRecord:
    """Read the record of a training run.

    Raises:
        BadInput: it is missing or damaged.
    """
    return read_checked(RunRecord, run_folder(name, seed) / RECORD, f"train_{name}")
