"""How much a model computes: the same on every machine, unlike seconds.

The usual estimate: two floating-point operations a parameter and token forward, four more backward
(Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1). Token embeddings are
looked up and cost nothing; the attention's products over positions are left out, and so is padding.
"""

import keras

from preference.models.preference_model import backbone_of
from preference.training.dataset import Examples

FORWARD, TRAINING = 2, 6
GIGA, TERA = 1e9, 1e12


def summarize_flops(model: keras.Model, train: Examples, epochs: int) -> dict[str, float]:
    """Return the number of parameters, what training cost, and what a prediction costs.

    Args:
        model: as `build_model` makes it.
        train: the battles that it was trained on, and whose mean length a prediction has.
        epochs: how often.
    """
    parameters = model.count_params()
    computing = parameters - backbone_of(model).token_embedding.count_params()
    tokens = int(train.side_lengths.sum())
    return {
        "parameters": parameters,
        "train_tflop": TRAINING * computing * tokens * epochs / TERA,
        "gflop_per_battle": FORWARD * computing * tokens / len(train.rows) / GIGA,
    }
