"""Floating-point operations of a model, which do not depend on the machine as seconds do.

The usual estimate: two operations per parameter and token in the forward pass, four more in the
backward pass (Kaplan et al., Scaling Laws for Neural Language Models, arXiv:2001.08361, section
2.1). Token embeddings are looked up and cost nothing. The attention's products over positions are
left out, and so is padding. Frozen weights count as if they were trained.
"""

import keras

from preference.models.preference_model import backbone_of
from preference.training.dataset import LabelledBattles

FLOP_PER_PARAMETER_FORWARD, FLOP_PER_PARAMETER_TRAINING = 2, 6
GIGA, TERA = 1e9, 1e12


def summarize_flops(model: keras.Model, train: LabelledBattles, epochs: int) -> dict[str, float]:
    """Return `parameters`, `train_tflop` of the whole run and `gflop_per_battle` of a prediction.

    Args:
        model: as `build_model` makes it.
        train: the battles that it was trained on; a predicted battle has their mean length.
        epochs: number of epochs.
    """
    parameters = model.count_params()
    computing = parameters - backbone_of(model).token_embedding.count_params()
    tokens = int(train.side_lengths.sum())
    return {
        "parameters": parameters,
        "train_tflop": FLOP_PER_PARAMETER_TRAINING * computing * tokens * epochs / TERA,
        "gflop_per_battle": FLOP_PER_PARAMETER_FORWARD
        * computing
        * tokens
        / len(train.rows)
        / GIGA,
    }
