"""The sections of `params.yaml` that decide on the battles: their source, splits and texts."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from preference.config.validation import Fraction, Positive, Turns, checked

SIMULATED = "simulated"
MOST_FOLDS = 100
# Dependencies of `fetch` and of `evaluate` in dvc.yaml.
EXTRA_FOLDER = PurePosixPath("data/extra")
KNOWN_PROMPTS_FOLDER = PurePosixPath("data/known_prompts")
# A dependency of `initialize`.
INITIAL_FOLDER = PurePosixPath("data/initial")


def _must_be_in(folder: PurePosixPath) -> AfterValidator:
    def check(name: str) -> str:
        path = folder / PurePosixPath(name).name
        if PurePosixPath(name) != path:
            raise ValueError(
                f"the file is not in {folder}, where DVC notices its changes. Put it there, and "
                f"write {path}"
            )
        return name

    return AfterValidator(check)


ExtraFile = Annotated[str, _must_be_in(EXTRA_FOLDER)]
KnownPromptsFile = Annotated[str, _must_be_in(KNOWN_PROMPTS_FOLDER)]
InitialBundle = Annotated[str, _must_be_in(INITIAL_FOLDER)]


@checked
class SimulatedParams:
    """The simulated arena: the number of battles, and their length relative to real battles."""

    battles: Annotated[int, Field(ge=100)]
    length_scale: Positive


@checked
class DataParams:
    """The source of the battles.

    `source` is `simulated`, `arena55k`, `kaggle`, `huggingface`, or the path of a file or of a
    folder of files. `extra` lists files in data/extra with more battles for train.
    `max_quarantined` is the largest fraction of rows that may be refused. `hub` names the data set
    of `huggingface`.
    """

    source: Annotated[str, Field(min_length=1)]
    extra: list[ExtraFile]
    max_quarantined: Fraction
    simulated: SimulatedParams
    hub: str = ""

    def __post_init__(self) -> None:
        if len({self.source, *self.extra}) < 1 + len(self.extra):
            raise ValueError("extra names a file twice, or that of source: each once is enough")
        if PurePosixPath(self.source) == EXTRA_FOLDER:
            raise ValueError(f"source is {EXTRA_FOLDER}, whose files are extra: use another folder")
        if self.extra and self.source == SIMULATED:
            raise ValueError("extra adds to real battles: let source be no simulation, or extra []")


@checked
class SplitParams:
    """The fraction of battles in each split; the four fractions sum to 1.

    With several `folds`, each battle is in test of one of them, and `test` is 1 / `folds`.
    `near_duplicates` says what happens to battles with nearly the same prompt: `count` counts those
    in different splits, and `group` puts them into one group, and so into one split.
    """

    train: Positive
    valid: Positive
    calibration: Positive
    test: Positive
    folds: Annotated[int, Field(ge=1, le=MOST_FOLDS)]
    near_duplicates: Literal["count", "group"]

    def __post_init__(self) -> None:
        total = sum(self.fractions().values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the four fractions sum to {total:g}, not to 1")

    def fractions(self) -> dict[str, float]:
        """Return the fraction of each split."""
        return {name: getattr(self, name) for name in ("train", "valid", "calibration", "test")}


@checked
class TokenizerParams:
    """The SentencePiece model that is trained for presets without pretrained weights."""

    vocabulary_size: Annotated[int, Field(ge=300)]


@checked
class TextParams:
    """The turns of a conversation that the model reads."""

    turns: Turns
