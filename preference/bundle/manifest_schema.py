"""What `bundle.json` may say: each value with its type and range, and what must agree.

The same is checked where a bundle is written and where one is read. A bundle's hashes tell damage
alone: who changes a value can also compute its hash.
"""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from preference.battles.predictions import ROUNDING
from preference.battles.table import LABELS
from preference.config.params import EXPERIMENT_NAME
from preference.config.validation import (
    LONGEST_TEXT,
    Count,
    Finite,
    Probability,
    Seed,
    Text,
    checked,
)
from preference.sequences.packing import Packing
from preference.sequences.token_store import FolderName
from preference.statistics.calibration import Calibration, Metrics, check_groups

FORMAT = 1
LONGEST_FILE_NAME = 255


def _check_inside(name: str) -> str:
    """Check that a file's name, joined to a folder, stays in it on every system."""
    path = PurePosixPath(name)
    is_plain = path.parts and str(path) == name and not set(name) & set("\\:\0")
    if path.is_absolute() or ".." in path.parts or not is_plain:
        raise ValueError(f"{name!r} is not the name of a file inside the bundle")
    return name


def _check_prior(prior: list[float]) -> list[float]:
    if abs(sum(prior) - 1) > ROUNDING:
        raise ValueError(f"the shares sum to {sum(prior):g}, not to 1")
    return prior


def _check_parameter(value: object) -> object:
    """Check that a parameter is a text, a number, a truth value, or a list of these."""
    for one in value if isinstance(value, list) else [value]:
        is_number = isinstance(one, int | float) and abs(one) < math.inf
        is_text = isinstance(one, str) and len(one) <= LONGEST_TEXT and one.isprintable()
        if not (is_number or is_text):
            raise ValueError("it is no parameter of ours")
    return value


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[Text, Field(max_length=LONGEST_FILE_NAME), AfterValidator(_check_inside)]
Name = Annotated[str, Field(pattern=f"^{EXPERIMENT_NAME}$")]
Prior = Annotated[
    list[Probability],
    Field(min_length=len(LABELS), max_length=len(LABELS)),
    AfterValidator(_check_prior),
]
# Far more than any computer computes, and few enough digits to be shown.
Amount = Annotated[Finite, Field(ge=0, le=1e18)]
Parameter = Annotated[Any, AfterValidator(_check_parameter)]


@checked
class TrainingFigures:
    """What a training reports: its battles' lengths, its cost, and the epoch that valid chose."""

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
class FiguresOnTest:
    """What `evaluate` found on the test battles: means over `trainings`, this one among them."""

    battles: Count
    groups: Count
    trainings: Count
    both_orders: bool
    metrics: Metrics

    def __post_init__(self) -> None:
        check_groups(self.battles, self.groups)


@checked
class Manifest:
    """Everything that is known of a trained model.

    `tokens` names the folder of its tokenizer's tokens below data/tokens/. `prior` is the share of
    each label in train. `training` is what its stage reports. `parameters` are the sections of
    params.yaml that an experiment may change. `data` are hashes of what it read.
    """

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    name: Name
    seed: Seed
    labels: Annotated[list[Text], Field(max_length=len(LABELS))]
    simulated: bool
    packing: Packing
    tokens: FolderName
    prior: Prior
    calibration: Calibration
    training: TrainingFigures
    parameters: Mapping[Text, Mapping[Text, Parameter]]
    data: Mapping[Text, Sha256]
    versions: Mapping[Text, Text]
    files: Mapping[FileName, Sha256]
    test: FiguresOnTest | None

    def __post_init__(self) -> None:
        if self.labels != list(LABELS):
            raise ValueError(f"its labels are {self.labels}, not {list(LABELS)}")
        for section, key, used in (
            ("model", "seq_len", self.packing.seq_len),
            ("text", "turns", self.packing.turns),
        ):
            if self.parameters.get(section, {}).get(key) != used:
                raise ValueError(f"parameters.{section}.{key} is not {used!r}, as packing says")
        if not isinstance(self.parameters["model"].get("preset"), str):
            raise ValueError("parameters.model.preset is no name")
