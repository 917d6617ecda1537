"""Optimizer and learning-rate schedule, both by step."""

import keras

from preference.fused_adam import FusedAdam
from preference.params import TrainParams

# Weight decay is for the matrices: not for biases, nor for the scales of layer normalization.
WITHOUT_DECAY = ["bias", "gamma", "beta"]


def build_optimizer(params: TrainParams, steps: int) -> keras.optimizers.Optimizer:
    """Build Adam or AdamW with a linear warm-up to the peak, then a cosine decay to zero.

    Args:
        params: optimizer, peak learning rate, weight decay and share of warm-up steps.
        steps: optimizer steps of the whole training, if it is not stopped early.
    """
    warmup = round(params.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else params.learning_rate,
        warmup_target=params.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    if params.optimizer == "adam":
        return FusedAdam(schedule)
    # With decoupled decay it is AdamW (arXiv:1711.05101).
    optimizer = FusedAdam(schedule, weight_decay=params.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=WITHOUT_DECAY)
    return optimizer
