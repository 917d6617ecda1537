"""How often the full check and the quick one disturb the pipeline, and how small it is."""

from dataclasses import dataclass

# So small that what a kill may hit is loading, writing and recording rather than computing.
PARAMETERS = {
    "data.source": "simulated",
    "data.extra": [],
    "data.simulated.battles": 200,
    "data.simulated.length_scale": 0.03,
    "tokenizer.vocabulary_size": 500,
    "model.preset": "deberta_v3_tiny",
    "model.seq_len": 32,
    "train.seeds": [],
    # Enough steps that some kills hit a training, and not only its start.
    "train.epochs": 6,
    "train.patience": 6,
    "train.tokens_per_batch": 1024,
    # At each step.
    "train.checkpoint_minutes": 1e-6,
    "reference.max_features": 200,
    "evaluation.resamples": 100,
    "submit.model": "exp2",
    "experiments.exp2.model.preset": "deberta_v3_tiny",
    "experiments.exp2.model.seq_len": 48,
}


@dataclass(frozen=True)
class Settings:
    """Sizes of one check.

    Args:
        stem: of the files that it writes.
        kills: of all stages together.
        in_a_row: of how many kills each run in turn is hit, before one runs undisturbed.
        seed: chooses the moments of the kills.
    """

    stem: str
    kills: int
    in_a_row: tuple[int, ...]
    seed: int


FULL = Settings("reliability", kills=100, in_a_row=(1, 1, 2, 1, 1, 3), seed=2024)
QUICK = Settings("reliability-quick", kills=21, in_a_row=(1,), seed=2024)
