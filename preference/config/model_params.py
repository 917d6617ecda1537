"""The sections of `params.yaml` that an experiment overrides to train another model."""

from typing import Annotated, Literal

from pydantic import Field

from preference.config.data_params import InitialBundle
from preference.config.validation import (
    Count,
    DropoutRate,
    Fraction,
    NonNegative,
    Number,
    Positive,
    Seed,
    SequenceLength,
    Text,
    checked,
)

# The most training runs of one experiment in each fold: `train.seeds` may be a number.
MOST_RUNS = 100


@checked
class ModelParams:
    """Backbone, sequence length, pool and head.

    `dropout` is the rate of the backbone; None for that of its preset. `head_units` and
    `head_dropout` have one entry for each hidden layer of the head. `features` lets the head read
    dense features of each side next to its pooled vector.
    """

    preset: Text
    seq_len: SequenceLength
    dropout: DropoutRate | None
    pool: Literal["mean", "cls"]
    head: Literal["concat", "mlp", "equivariant", "davidson"]
    head_units: list[Count]
    head_dropout: list[DropoutRate]
    features: bool = False

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
    then the shared one and those that follow it. Without any, there is one run with the top-level
    `seed`. `backend` is the Keras backend of training; `data_parallel` splits every batch among the
    devices. `learning_rate` is the peak of the schedule, and `warmup_share` the fraction of all
    steps before it. `clip_norm` limits the norm of all gradients together. `freeze` names what
    keeps its first weights: the embeddings, or these and the lowest layers of that number.
    `lora_rank` is that of the additions that are trained instead of the backbone's weights; None to
    train these. `weight_average` is the decay of the moving average of the weights, which valid
    judges and which is kept; None for the weights themselves. `tokens_per_batch` counts both sides
    and their padding, on all devices together. `jit` compiles the step with XLA: `auto` on a GPU
    only; JAX always does. `precision` is `auto` for bfloat16 where the machine has instructions for
    it. `threads` are those of a training run on a processor, with TensorFlow; None for all cores.
    `initial` is a bundle in data/initial whose network the training starts from.
    """

    seeds: Annotated[int, Field(ge=1, le=MOST_RUNS)] | list[Seed]
    backend: Literal["tensorflow", "jax"]
    distribution: Literal["none", "data_parallel"]
    optimizer: Literal["adam", "adamw"]
    learning_rate: Positive
    head_learning_rate_factor: Positive
    clip_norm: Positive | None
    freeze: Literal["none", "embeddings"] | Annotated[int, Field(ge=1, le=100)]
    lora_rank: Annotated[int, Field(ge=1, le=1000)] | None = None
    weight_average: Annotated[Number, Field(gt=0, lt=1)] | None = None
    weight_decay: NonNegative
    warmup_share: Fraction
    label_smoothing: DropoutRate
    tokens_per_batch: Count
    epochs: Count
    patience: Count
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    jit: Literal["auto", True, False]
    threads: Count | None = None
    initial: InitialBundle | None = None

    def __post_init__(self) -> None:
        if self.optimizer == "adam" and self.weight_decay:
            raise ValueError("weight_decay needs optimizer: adamw")
        if self.lora_rank and self.freeze != "none":
            raise ValueError("lora_rank freezes the whole backbone: let freeze be none")
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
