"""The parameters of `params.yaml`: parsed once, typed, checked, and passed on.

An experiment is the shared `text`, `model` and `train` sections plus the few values that it
overrides under `experiments.<name>`.
"""

import re
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from preference.config.data_params import (
    DataParams,
    KnownPromptsFile,
    SplitParams,
    TextParams,
    TokenizerParams,
)
from preference.config.model_params import MOST_RUNS, ModelParams, TrainSection
from preference.config.parsing import parse_values
from preference.config.validation import (
    Count,
    Positive,
    Seed,
    checked,
)
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml

PARAMS_FILE = Path("params.yaml")
EXPERIMENT_NAME = "[A-Za-z0-9_]{1,100}"
# The models without a network.
REFERENCES = ("prior", "length", "tfidf", "features", "stack")
# The references that learn from the texts.
LEARNING_REFERENCES = ("length", "tfidf", "features", "stack")
# Names that an experiment may not have, because results or files use them.
RESERVED_NAMES = (*REFERENCES, "reference", "blend", "oracle", "weights", "index", "presets")
MOST_TREES = 10_000


@checked
class TreesParams:
    """The trees of the reference `features`.

    `number` is that of the trees, `min_leaf` the fewest rows of a leaf where there are few rows,
    and `max_features` the fraction of the features that each split chooses among.
    """

    number: Annotated[int, Field(ge=1, le=MOST_TREES)]
    min_leaf: Count
    max_features: Annotated[Positive, Field(le=1)]


@checked
class ReferenceParams:
    """The references.

    They are fitted to at most `most_battles` battles of train, the weights of `stack` to as many of
    valid. `max_features` is the size of the TF-IDF vocabulary of each analyser, and
    `inverse_regularization` the strength of the logistic regressions.
    """

    most_battles: Count
    max_features: Count
    inverse_regularization: Positive
    trees: TreesParams


@checked
class EvaluationParams:
    """Evaluation on the test split.

    `resamples` is the number of bootstrap resamples of the groups. `both_orders` averages the
    predictions of both orders of the answers. `blend` names the models to mix; `auto` mixes every
    experiment and every reference but `prior`; an empty list means no blend. A difference of log
    loss below `smallest_difference` is never called better or worse. `known_prompts` lists files in
    data/known_prompts with prompts that pretrained weights may have seen.
    """

    resamples: Annotated[int, Field(ge=100, le=100_000)]
    both_orders: bool
    blend: Literal["auto"] | list[str]
    smallest_difference: Annotated[float, Field(ge=0)]
    known_prompts: list[KnownPromptsFile]


@checked
class SubmitParams:
    """The input of `submit`: the name of a `model` in models/, and a file of `battles`.

    `both_orders` averages the predictions of both orders of the answers.
    """

    model: Annotated[str, Field(min_length=1)]
    battles: Annotated[str, Field(min_length=1)]
    both_orders: bool


@checked
class Params:
    """All of `params.yaml`."""

    seed: Seed
    data: DataParams
    split: SplitParams
    tokenizer: TokenizerParams
    text: TextParams
    model: ModelParams
    train: TrainSection
    reference: ReferenceParams
    evaluation: EvaluationParams
    submit: SubmitParams
    experiments: dict[str, dict[Literal["text", "model", "train"], dict[str, Any]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        if not self.experiments:
            raise ValueError("experiments: there are none. Add one, such as `baseline: {}`")
        for name in self.experiments:
            if not re.fullmatch(EXPERIMENT_NAME, name) or name in RESERVED_NAMES:
                raise ValueError(
                    f"experiments: {name!r} cannot be a name. Use at most 100 letters, digits "
                    f"and _, and none of {', '.join(RESERVED_NAMES)}"
                )
        self._check_blend()

    def _check_blend(self) -> None:
        known = [*self.experiments, *REFERENCES]
        names = [] if self.evaluation.blend == "auto" else self.evaluation.blend
        if unknown := set(names) - set(known):
            raise ValueError(
                f"evaluation.blend names {', '.join(sorted(unknown))}, but the models are "
                f"{', '.join(known)}. Correct the spelling, or add the experiment"
            )

    def training_seeds(self) -> list[int]:
        """Return the seed of each training run, at least one; a run for each fold comes first."""
        seeds = self.train.seeds
        if isinstance(seeds, list) and seeds:
            return seeds
        repetitions = seeds if isinstance(seeds, int) else 1
        return [self.seed + number for number in range(repetitions * self.split.folds)]

    def experiment(self, name: str) -> "Params":
        """Return these parameters with the overrides of experiment `name` applied.

        Raises:
            BadInput: there is no such experiment, or an override is unknown or of the wrong type.
        """
        if name not in self.experiments:
            raise BadInput(f"params.yaml has no experiment {name!r}: add it under `experiments`.")
        sections = {
            section: parse_values(
                type(getattr(self, section)),
                asdict(getattr(self, section)) | overrides,
                where=f"experiments.{name}.{section}.",
            )
            for section, overrides in self.experiments[name].items()
        }
        resolved = replace(self, **sections)
        resolved._check_runs(f"experiments.{name}")
        return resolved

    def _check_runs(self, where: str) -> None:
        seeds, folds = self.train.seeds, self.split.folds
        if folds > 1 and isinstance(seeds, list) and seeds:
            raise BadInput(
                f"params.yaml: {where} has the list of train.seeds {seeds}, and split.folds is "
                f"{folds}, which needs a seed for each fold. Write the number of repetitions "
                f"instead: train.seeds: {len(seeds)}."
            )
        if (runs := len(self.training_seeds())) > MOST_RUNS:
            raise BadInput(
                f"params.yaml: {where} has {runs} training runs, {folds} for each repetition, and "
                f"the most are {MOST_RUNS}. Lower train.seeds or split.folds."
            )


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check all parameters, including those of each experiment.

    Raises:
        BadInput: the file is missing, is not YAML, has an unknown or missing key, or a value with
            the wrong type or range. The message names the key.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: run from the repository's root.")
    params = parse_values(Params, read_yaml(path), where="")
    for name in params.experiments:
        params.experiment(name)
    return params
