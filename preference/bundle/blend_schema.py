"""The schema of `bundle.json` of a blend: its members, their weights, and which values must agree.

bundle.json, README.md
members/<experiment>/seed-<seed>/   the bundle of a training run, complete
references/                         the files of the references, as `train_reference` saves them

Models without a weight are left out. The format is newer than that of other bundles, so that older
code says that it cannot read a blend.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from preference.battles.predictions import SUM_TOLERANCE
from preference.battles.table import LABELS, TIE
from preference.bundle.manifest_schema import FileName, MetricsOnTest
from preference.config.experiment import Name
from preference.config.params import EXPERIMENT_NAME, REFERENCES
from preference.config.validation import Count, Probability, Sha256, Text, checked
from preference.models.training_record import Prior
from preference.references.files import reference_files
from preference.statistics.calibration import Calibration, Temperatures

BLEND_FORMAT = 2
# All members are in memory at the same time.
MOST_MEMBERS = 100
MANIFEST, CARD = "bundle.json", "README.md"
REFERENCE_FOLDER = "references"

MemberFolder = Annotated[str, Field(pattern=f"^members/{EXPERIMENT_NAME}/seed-[0-9]{{1,10}}$")]
ReferenceName = Annotated[str, Field(pattern=f"^({'|'.join(REFERENCES)})$")]


def files_of_references(names: Iterable[str]) -> set[str]:
    """Return the names of the files of references in a bundle."""
    return {f"{REFERENCE_FOLDER}/{file}" for name in names for file in reference_files(name)}


def member_folder(name: str, seed: int) -> str:
    """Return the name of the folder of a training run's bundle in that of a blend."""
    return f"members/{name}/seed-{seed}"


@checked
class MixWeights:
    """The weight of a model in the mix, for each way to predict."""

    in_order: Probability
    both_orders: Probability

    def of(self, both_orders: bool) -> float:
        """Return the weight for a way to predict."""
        return self.both_orders if both_orders else self.in_order


@checked
class BlendedReference:
    """The weight of a reference, and its temperature, for each way to predict."""

    weight: MixWeights
    temperature: Temperatures


@checked
class BlendManifest:
    """The content of `bundle.json` of a blend.

    `fit` is the sha256 of the file that the stage `blend` fitted. `prior` is the fraction of each
    label in train. `members` and `references` have the weights of what is mixed after it was
    calibrated. `calibration` has the temperature that is applied to the mix. `folds` is the number
    of folds where this is the blend of the first of several. The rest is as in
    `preference.bundle.manifest_schema.Manifest`.
    """

    kind: Literal["blend"]
    format: Annotated[int, Field(ge=BLEND_FORMAT, le=BLEND_FORMAT)]
    name: Name
    fit: Sha256
    labels: Annotated[list[Text], Field(max_length=len(LABELS))]
    simulated: bool
    prior: Prior
    members: Annotated[Mapping[MemberFolder, MixWeights], Field(max_length=MOST_MEMBERS)]
    references: Mapping[ReferenceName, BlendedReference]
    calibration: Calibration
    data: Mapping[Text, Sha256]
    files: Mapping[FileName, Sha256]
    test: MetricsOnTest | None
    folds: Count | None = None

    @property
    def has_ties(self) -> bool:
        """Whether a source in train has ties; if none has, a tie has the probability 0."""
        return self.prior[TIE] > 0

    def __post_init__(self) -> None:
        if self.labels != list(LABELS):
            raise ValueError(f"its labels are {self.labels}, not {list(LABELS)}")
        weights = [*self.members.values(), *(one.weight for one in self.references.values())]
        for both_orders in (False, True):
            total = math.fsum(one.of(both_orders) for one in weights)
            if abs(total - 1) > SUM_TOLERANCE:
                raise ValueError(f"its weights sum to {total:g}, not to 1")
        self._check_files()

    def _check_files(self) -> None:
        """Check that the files are the card, the references and those of the members.

        A manifest without any files is one whose files are not yet written.
        """
        if not self.files:
            return
        single = {CARD, *files_of_references(self.references)}
        needed = single | {f"{folder}/{MANIFEST}" for folder in self.members}
        if missing := needed - set(self.files):
            raise ValueError(f"files does not name {min(missing)}")
        for name in set(self.files) - single:
            if not any(name.startswith(f"{folder}/") for folder in self.members):
                raise ValueError(f"files names {name}, which is of no member")

    def files_of(self, folder: str) -> dict[str, str]:
        """Return the sha256 of a member's files, by their names in its folder."""
        prefix = f"{folder}/"
        return {
            name.removeprefix(prefix): digest
            for name, digest in self.files.items()
            if name.startswith(prefix)
        }


@checked
class NoBlend:
    """The content of `bundle.json` where `evaluation.blend` is empty."""

    kind: Literal["no blend"]
    format: Annotated[int, Field(ge=BLEND_FORMAT, le=BLEND_FORMAT)]
