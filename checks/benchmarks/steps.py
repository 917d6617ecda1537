"""Measure the study's recipe in Keras, and the steps from it to ours."""

import time
from dataclasses import dataclass

import keras
import keras_nlp

from checks.benchmarks.keras_device import device_name, peak_memory_gib
from checks.benchmarks.keras_streams import StepClock, make_stream
from checks.benchmarks.measurement import Measurement
from checks.benchmarks.our_settings import (
    batch_name,
    open_battles,
    our_backbone,
    our_batches,
    our_prediction_batches,
    tokens_per_batch,
)
from checks.benchmarks.result import Result
from checks.benchmarks.sequences import (
    LABELS,
    Batch,
    full_rows,
    load_sequences,
    padding_share,
    random_batches,
)
from checks.benchmarks.sizes import LABEL_SMOOTHING, LEARNING_RATE, SEED, SIZES
from preference.models.pair_layers import FoldSides, UnfoldSides


@dataclass(frozen=True)
class Step:
    """Which parts are ours. The precision comes with the measurement."""

    attention: bool = False
    batching: bool = False
    packing: bool = False
    compilation: bool = False

    def batch(self, measurement: Measurement) -> str:
        """Describe the size of a training step."""
        if self.batching:
            return batch_name(tokens_per_batch(measurement))
        return f"{measurement.batch} battles"


STEPS = {
    "study": Step(),
    "attention": Step(attention=True),
    "batching": Step(attention=True, batching=True),
    "packing": Step(attention=True, packing=True),
    "precision": Step(attention=True, batching=True),
    "compilation": Step(attention=True, batching=True, compilation=True),
}


def measure_step(measurement: Measurement) -> Result:
    """Train and predict all battles once, each after a warm-up."""
    step = STEPS[measurement.name]
    keras.config.set_dtype_policy(measurement.precision)
    keras.utils.set_random_seed(SEED)
    training, prediction = plan_batches(step, measurement)
    model, clock = compiled_model(step, measurement), StepClock()
    for batches in (_warm_up(training, model.jit_compile), training):
        model.fit(make_stream(batches), callbacks=[clock], shuffle=False, verbose=0)
    train_memory_gib = peak_memory_gib()
    model.predict(make_stream(_warm_up(prediction, model.jit_compile)), verbose=0)
    began = time.perf_counter()
    model.predict(make_stream(prediction), verbose=0)
    return Result(
        precision=measurement.precision,
        device=device_name(),
        batch=step.batch(measurement),
        train_seconds=clock.epoch_seconds,
        predict_seconds=time.perf_counter() - began,
        padding_share=padding_share(training),
        peak_memory_gib=peak_memory_gib(),
        train_memory_gib=train_memory_gib,
        startup_s=clock.startup_s,
    )


def plan_batches(step: Step, measurement: Measurement) -> tuple[list[Batch], list[Batch]]:
    """Return the batches of one epoch of training, and those of a prediction."""
    if step.batching:
        battles = open_battles(measurement.workload, measurement.seq_len)
        return our_batches(measurement, battles), list(our_prediction_batches(battles))
    sequences = load_sequences(measurement.workload / "sequences.npz")
    if step.packing:
        sequences = full_rows(sequences, measurement.seq_len)
    plan = random_batches(len(sequences.labels), measurement.batch, SEED)
    padded = [sequences.batch(battles, measurement.seq_len) for battles in plan]
    return padded, padded


def compiled_model(step: Step, measurement: Measurement) -> keras.Model:
    """Build the study's model, with our attention or that of keras-nlp."""
    backbone = our_backbone if step.attention else stock_backbone
    model = study_model(backbone(measurement))
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=LABEL_SMOOTHING
        ),
        # Keras compiles by default, as the study did on its GPU; on a CPU that is slower.
        jit_compile=step.compilation or device_name() != "cpu",
    )
    return model


def study_model(backbone: keras_nlp.models.Backbone) -> keras.Model:
    """Build the study's model: mean over all positions, padding included, and one dense layer.

    Both sides go through the backbone in one call, which is not slower than two calls.
    """
    inputs = {
        name: keras.Input((2, None), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask")
    }
    hidden = backbone({name: FoldSides()(tensor) for name, tensor in inputs.items()})
    pooled = UnfoldSides()(keras.layers.GlobalAveragePooling1D()(hidden))
    logits = keras.layers.Dense(LABELS, dtype="float32")(keras.layers.Flatten()(pooled))
    return keras.Model(inputs, logits)


def stock_backbone(measurement: Measurement) -> keras_nlp.models.DebertaV3Backbone:
    """Build the backbone of keras-nlp with the size of `our_backbone`."""
    architecture = SIZES[measurement.size] | {"num_layers": measurement.layers}
    return keras_nlp.models.DebertaV3Backbone(**architecture)


def _warm_up(batches: list[Batch], compiled: bool) -> list[Batch]:
    """Return the largest batch or, where each shape is compiled, one batch of each shape."""
    of_each_shape = {inputs["token_ids"].shape: (inputs, labels) for inputs, labels in batches}
    largest_first = sorted(of_each_shape.values(), key=lambda batch: -batch[0]["token_ids"].size)
    return largest_first if compiled else largest_first[:1]
