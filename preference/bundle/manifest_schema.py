"""The schema of `bundle.json`: the type and range of each value, and which values must agree.

It is checked when a bundle is written and when it is read, because the hashes reveal only damage:
whoever changes a value can also compute its hash.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from preference.battles.table import LABELS, TIE
from preference.config.experiment import Name
from preference.config.validation import Count, Seed, Sha256, Text, checked
from preference.models.training_record import (
    Parameter,
    Prior,
    RunRecord,
    TrainingMetrics,
)
from preference.sequences.packing import Packing
from preference.sequences.token_store import FolderName
from preference.statistics.calibration import Calibration, Metrics, check_groups

FORMAT = 1
LONGEST_FILE_NAME = 255


def _check_inside(name: str) -> str:
    """Check that a file's name, joined to a folder, stays in the folder on every system."""
    path = PurePosixPath(name)
    is_plain = path.parts and str(path) == name and not set(name) & set("\\:\0")
    if path.is_absolute() or ".." in path.parts or not is_plain:
        raise ValueError(f"{name!r} is not the name of a file inside the bundle")
    return name


FileName = Annotated[Text, Field(max_length=LONGEST_FILE_NAME), AfterValidator(_check_inside)]


@checked
class MetricsOnTest:
    """Metrics on the test split: means over `trainings` training runs of the experiment."""

    battles: Count
    groups: Count
    trainings: Count
    both_orders: bool
    metrics: Metrics

    def __post_init__(self) -> None:
        check_groups(self.battles, self.groups)


@checked
class Manifest:
    """The content of `bundle.json`.

    `tokens` is the folder of its tokenizer in data/tokens/. `prior` is the fraction of each label
    in train, 0 for ties where no source has ties. `training` holds the metrics of its training run.
    `parameters` are the sections of params.yaml that an experiment may change. `data` and `files`
    are sha256 of the files that the training run read, and of the files of the bundle. `test` is
    present only in packed bundles.
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
    training: TrainingMetrics
    parameters: Mapping[Text, Mapping[Text, Parameter]]
    data: Mapping[Text, Sha256]
    versions: Mapping[Text, Text]
    files: Mapping[FileName, Sha256]
    test: MetricsOnTest | None

    @property
    def has_ties(self) -> bool:
        """Whether a source in train has ties; if none has, a tie has the probability 0."""
        return self.prior[TIE] > 0

    @property
    def has_features(self) -> bool:
        """Whether its head reads dense features; older bundles do not know the parameter."""
        return self.parameters["model"].get("features", False) is True

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
            raise ValueError("parameters.model.preset is not a name")


def describe_bundle(
    record: RunRecord, calibration: Calibration, calibrated_on: Mapping[str, str]
) -> Manifest:
    """Return the manifest of a training run, without the hashes of the bundle's files.

    Args:
        record: of the training run.
        calibration: of the training run.
        calibrated_on: sha256 of the files that the calibration read, beyond those of the run.
    """
    known = {field.name: getattr(record, field.name) for field in fields(record)}
    known["data"] = {**record.data, **calibrated_on}
    for name in ("experiment", "weights"):
        del known[name]
    return Manifest(
        **known,
        format=FORMAT,
        labels=list(LABELS),
        calibration=calibration,
        files={},
        test=None,
    )
