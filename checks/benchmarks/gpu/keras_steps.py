"""Time training and prediction of our model or the stock one on JAX. The runner starts it."""

import time
from collections.abc import Iterator
from statistics import median

import keras

from checks.benchmarks.gpu.attention_check import attention_errors
from checks.benchmarks.gpu.keras_model import (
    PRECISION,
    StepTimes,
    compiled_model,
    endless,
    weighted_batches,
)
from checks.benchmarks.gpu.rates import prediction_rates, training_rates
from checks.benchmarks.gpu.task import Found, Task, answer
from checks.benchmarks.gpu.variants import VARIANTS
from checks.benchmarks.keras_device import device_name, peak_memory_gib


def measure(task: Task) -> Iterator[Found]:
    """Yield the rates of training, then these with the rates of prediction."""
    variant = VARIANTS[task.line.variant]
    found = {"device": device_name()}
    if variant.is_checked:
        found |= attention_errors(variant.applied(), PRECISION)
    with variant.applied():
        model = compiled_model(task.line)
        seconds, compile_s = time_training(model, task)
        found |= training_rates(task, seconds, device_name())
        found |= {"compile_s": compile_s, "train_memory_gib": peak_memory_gib()}
        yield found
        if task.line.variant == "present":
            seconds = time_prediction(model, task)
            found |= prediction_rates(task, seconds, device_name())
            yield found | {"peak_memory_gib": peak_memory_gib()}


def time_training(model: keras.Model, task: Task) -> tuple[float, float]:
    """Return the median seconds of a step after the warm-up, and the seconds of compilation."""
    times = StepTimes()
    model.fit(
        endless(weighted_batches(task)),
        steps_per_epoch=task.scale.warm_up + task.scale.steps,
        callbacks=[times],
        shuffle=False,
        verbose=0,
    )
    step = median(times.seconds[task.scale.warm_up :])
    return step, times.seconds[0] - step


def time_prediction(model: keras.Model, task: Task) -> float:
    """Return the seconds of one step, from the median of some blocks after the warm-up."""
    inputs = [batch[0] for batch in weighted_batches(task)]
    _predict(model, inputs, task.scale.warm_up)
    # In long blocks, because each call of `predict` has a start-up time.
    steps = task.scale.steps
    return median(_predict(model, inputs, steps) for _ in range(task.scale.blocks)) / steps


def _predict(model: keras.Model, inputs: list[dict], steps: int) -> float:
    began = time.perf_counter()
    # Keras copies the results to the host, which waits for the computation.
    model.predict(endless([(one,) for one in inputs]), steps=steps, verbose=0)
    return time.perf_counter() - began


if __name__ == "__main__":
    answer(measure)
