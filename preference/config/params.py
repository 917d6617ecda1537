"""The parameters of `params.yaml`: parsed once, typed, checked, and passed on.

An experiment is the shared `text`, `model` and `train` sections plus the few values that it
overrides under `experiments.<name>`.
"""

import re
from dataclasses import asdict, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from preference.config.parsing import parse_values
from preference.config.validation import (
    Count,
    DropoutRate,
    Fraction,
    NonNegative,
    Positive,
    Seed,
    SequenceLength,
    Text,
    Turns,
    checked,
)
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml

PARAMS_FILE = Path("params.yaml")
SIMULATED = "simulated"
EXPERIMENT_NAME = "[A-Za-z0-9_]{1,100}"
# The models without a network.
REFERENCES = ("prior", "length", "tfidf", "features", "stack")
# The references that learn from the texts.
LEARNING_REFERENCES = ("length", "tfidf", "features", "stack")
# Names that an experiment may not have, because results or files use them.
RESERVED_NAMES = (*REFERENCES, "reference", "blend", "oracle", "weights", "index", "presets")
# Of one experiment: `train.seeds` may be their number, and each fold has as many.
MOST_RUNS = 100
# Dependencies of `fetch` and of `evaluate` in dvc.yaml.
EXTRA_FOLDER = PurePosixPath("data/extra")
KNOWN_PROMPTS_FOLDER = PurePosixPath("data/known_prompts")


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
    folds: Annotated[int, Field(ge=1, le=MOST_RUNS)]
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


@checked
class ModelParams:
    """Backbone, sequence length, pool and head.

    `dropout` is the rate of the backbone; None for that of its preset. `head_units` and
    `head_dropout` have one entry for each hidden layer of the head.
    """

    preset: Text
    seq_len: SequenceLength
    dropout: DropoutRate | None
    pool: Literal["mean", "cls"]
    head: Literal["concat", "mlp", "equivariant", "davidson"]
    head_units: list[Count]
    head_dropout: list[DropoutRate]

    def __post_init__(self) -> None:
        if len(self.head_units) != len(self.head_dropout):
            raise ValueError("head_units and head_dropout must be equally long")
        if self.head == "mlp" and not self.head_units:
            raise ValueError("head: mlp needs at least one entry in head_units")
        if self.head == "concat" and self.head_units:
            raise ValueError("head: concat has no hidden layers: use mlp, or no head_units")


@checked
class TrainParams:
    """Optimization.

    `seeds` are the seeds of each experiment's training runs, or the number of runs: their seeds are
    then the shared one and those that follow it. Without any, there is one run with the
    top-level `seed`. `backend` is the Keras backend of training; `data_parallel` splits every
    batch among the devices. `learning_rate` is the peak of the schedule, and `warmup_share` the
    fraction of all steps before it. `clip_norm` limits the norm of all gradients together.
    `freeze` names what keeps its first weights: the embeddings, or these and the lowest layers
    of that number. `tokens_per_batch` counts both sides and their padding, on all devices
    together. `jit` compiles the step with XLA: `auto` on a GPU only; JAX always does.
    """

    seeds: Annotated[int, Field(ge=1, le=MOST_RUNS)] | list[Seed]
    backend: Literal["tensorflow", "jax"]
    distribution: Literal["none", "data_parallel"]
    optimizer: Literal["adam", "adamw"]
    learning_rate: Positive
    head_learning_rate_factor: Positive
    clip_norm: Positive | None
    freeze: Literal["none", "embeddings"] | Annotated[int, Field(ge=1, le=100)]
    weight_decay: NonNegative
    warmup_share: Fraction
    label_smoothing: DropoutRate
    tokens_per_batch: Count
    epochs: Count
    patience: Count
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    jit: Literal["auto", True, False]

    def __post_init__(self) -> None:
        if self.optimizer == "adam" and self.weight_decay:
            raise ValueError("weight_decay needs optimizer: adamw")
        if isinstance(self.seeds, list) and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds has the same seed twice: each training run needs its own")
        if self.distribution == "data_parallel" and self.backend != "jax":
            raise ValueError("distribution: data_parallel needs backend: jax")
        if self.backend == "jax" and self.jit is False:
            raise ValueError("backend: jax compiles every step: let jit be auto")


@checked
class TrainSection(TrainParams):
    """The section `train`: `TrainParams`, and the time between two checkpoints."""

    checkpoint_minutes: Positive


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

    `max_features` is the size of the TF-IDF vocabulary of each analyser, and
    `inverse_regularization` the strength of the logistic regressions.
    """

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
