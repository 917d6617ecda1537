"""Measure `ours`: `train_model` and `Predictor`, which the stages run."""

import time
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from checks.benchmarks.keras_device import device_name, peak_memory_gib
from checks.benchmarks.keras_streams import StepClock
from checks.benchmarks.measurement import Measurement
from checks.benchmarks.our_settings import (
    batch_name,
    model_params,
    open_battles,
    our_backbone,
    our_batches,
    our_epochs,
    tokens_per_batch,
    train_params,
)
from checks.benchmarks.result import Result
from checks.benchmarks.sequences import padding_share
from checks.benchmarks.sizes import SEED
from preference.models.preference_model import build_model
from preference.prediction.predictor import Predictor
from preference.training.dataset import LabelledBattles
from preference.training.fit import train_model


def measure_ours(measurement: Measurement) -> Result:
    """Train two epochs and time the second, then predict the same battles.

    On JAX nothing is predicted, because the pipeline always predicts on TensorFlow.
    """
    keras.config.set_dtype_policy(measurement.precision)
    keras.utils.set_random_seed(SEED)
    on_jax = measurement.backend == "jax"
    if on_jax:
        # TensorFlow only makes the batches here, and would allocate all memory of the GPU.
        tf.config.set_visible_devices([], "GPU")
    battles = open_battles(measurement.workload, measurement.seq_len)
    model = build_model(our_backbone(measurement), model_params(measurement.seq_len))
    clock = StepClock()
    _train(model, battles, measurement, clock)
    train_memory_gib = peak_memory_gib()
    return Result(
        precision=measurement.precision,
        device=device_name(),
        batch=batch_name(tokens_per_batch(measurement)),
        train_seconds=clock.epoch_seconds,
        predict_seconds=None if on_jax else _prediction_seconds(model, battles),
        padding_share=padding_share(our_batches(measurement, battles)),
        peak_memory_gib=peak_memory_gib(),
        train_memory_gib=train_memory_gib,
        startup_s=clock.startup_s,
    )


def _train(
    model: keras.Model, battles: LabelledBattles, measurement: Measurement, clock: StepClock
) -> None:
    # `train_model` needs a battle to validate on; validation is not timed.
    valid = replace(battles, rows=battles.rows[:1], labels=battles.labels[:1])
    epochs = our_epochs(measurement, battles)
    train_model(model, epochs, valid, train_params(measurement), callbacks=[clock])


def _prediction_seconds(model: keras.Model, battles: LabelledBattles) -> float:
    """Time all battles, after a warm-up on the longest one, which traces the graph."""
    predictor = Predictor(model, battles.packing)
    _seconds(predictor, battles, battles.rows[[battles.lengths.argmax()]])
    return _seconds(predictor, battles, battles.rows)


def _seconds(predictor: Predictor, battles: LabelledBattles, rows: np.ndarray) -> float:
    ids = np.sort(battles.tokens.battle_ids[rows])
    began = time.perf_counter()
    predictor.predict(battles.tokens, ids, lambda answers: None)
    return time.perf_counter() - began
