"""The training step: its loss, metrics and optimizer, and whether XLA compiles it.

On JAX, TensorFlow need not be installed.
"""

from typing import Literal

import keras

from preference.config.model_params import TrainParams
from preference.models.fused.xla import on_tensorflow_cpu
from preference.training.masked_loss import MaskedCrossentropy, masked_metrics
from preference.training.optimizer import build_optimizer


def compile_step(
    model: keras.Model, params: TrainParams, steps: int, weighted: bool, masked: bool = False
) -> None:
    """Compile `model` for training.

    Args:
        model: as `build_model` makes it.
        params: optimizer, label smoothing and `jit`.
        steps: optimizer steps of the whole run, if it is not stopped early.
        weighted: whether rows have weights and the loss is their sum, as where battles have weights
            or a batch is filled up with rows of weight 0.
        masked: whether some battles cannot have every label.
    """
    reduction = "sum" if weighted else "sum_over_batch_size"
    loss: keras.losses.Loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=params.label_smoothing, reduction=reduction
    )
    metrics = [
        keras.metrics.CategoricalCrossentropy(name="log_loss", from_logits=True),
        keras.metrics.CategoricalAccuracy(name="accuracy"),
    ]
    # Keras's own are kept where they do, because they round otherwise.
    if masked:
        loss = MaskedCrossentropy(params.label_smoothing, reduction)
        metrics = masked_metrics()
    model.compile(
        optimizer=build_optimizer(params, steps, model.get_layer("head").trainable_variables),
        loss=loss,
        **{"weighted_metrics" if weighted else "metrics": metrics},
        jit_compile=compiles_with_xla(params.jit),
    )
    # Otherwise `fit` traces the train step twice, the first time to create these variables.
    model.optimizer.build(model.trainable_variables)


def compiles_with_xla(jit: bool | Literal["auto"]) -> bool:
    """Return whether XLA compiles the train step: with `auto`, on a GPU and on JAX.

    With TensorFlow on a CPU, XLA needs some seconds to compile each width, and its matrix products
    are slower.
    """
    return not on_tensorflow_cpu() if jit == "auto" else jit
