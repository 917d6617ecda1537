"""The sizes of the full check and of the quick one, and the parameters of the small pipeline."""

from dataclasses import dataclass

# The parameters of the pipeline that is killed. Its stages compute for so short a time that most
# kills hit them while they load, write or record.
PARAMETERS = {
    "data.source": "simulated",
    "data.extra": [],
    "data.simulated.battles": 200,
    "data.simulated.length_scale": 0.03,
    "tokenizer.vocabulary_size": 500,
    "model.preset": "deberta_v3_tiny",
    "model.seq_len": 32,
    "train.seeds": [],
    # Enough steps that some kills hit a training after its start.
    "train.epochs": 6,
    "train.patience": 6,
    "train.tokens_per_batch": 1024,
    # A checkpoint after each step.
    "train.checkpoint_minutes": 1e-6,
    "reference.max_features": 200,
    "evaluation.resamples": 100,
    "submit.model": "exp2",
    "experiments.baseline.train.seeds": [],
    "experiments.exp2.model.preset": "deberta_v3_tiny",
    "experiments.exp2.model.seq_len": 48,
}


@dataclass(frozen=True)
class Settings:
    """Sizes of one check.

    Args:
        stem: the name of the files that it writes, without extension.
        kills: the number of kills of all stages together; None for one of each stage.
        in_a_row: the numbers of kills in a row before an undisturbed run, which are repeated.
        seed: decides the moments of the kills.
    """

    stem: str
    kills: int | None
    in_a_row: tuple[int, ...]
    seed: int


FULL = Settings("reliability", kills=100, in_a_row=(1, 1, 2, 1, 1, 3), seed=2024)
QUICK = Settings("reliability-quick", kills=None, in_a_row=(1,), seed=2024)
