"""Compare our batches of similar length with padding to full length. The runner starts it.

Lengths are drawn from log-normal distributions with quantiles of real Chatbot Arena battles in
DeBERTa tokens: prompts with a median of 20 and a 90 % quantile of 170, responses with a median of
228 and a mean of 290. The two responses of a battle are drawn independently.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import keras
import numpy as np

from checks.benchmarks.gpu.keras_model import (
    StepTimes,
    WeightedBatch,
    compiled_model,
    endless,
    weighted_batches,
)
from checks.benchmarks.gpu.rates import SIDES
from checks.benchmarks.gpu.task import Found, Task, answer
from checks.benchmarks.keras_device import device_name, peak_memory_gib
from checks.benchmarks.sizes import SEED
from preference.sequences.length_bucketing import padded_widths, shuffled_batches
from preference.training.distributed.shard import Shard

PROMPT_MEDIAN, PROMPT_DEVIATION = 20, math.log(170 / 20) / 1.2816
RESPONSE_MEDIAN, RESPONSE_DEVIATION = 228, math.sqrt(2 * math.log(290 / 228))
SPECIAL_TOKENS = 3


def measure(task: Task) -> Iterator[Found]:
    """Yield the rates of the widths so far: the full one, then those of most battles first.

    Each width is compiled and timed apart, so that a cut loses only the rarest ones. An epoch takes
    the sum over its batches of the median step of their width.
    """
    model = compiled_model(task.line)
    lengths = draw_lengths(task.scale.battles, task.line.seq_len)
    found = {
        "device": device_name(),
        "battles": task.scale.battles,
        "tokens_a_battle": float(lengths.sum(axis=1).mean()),
        "padded_padding_share": float(1 - lengths.mean() / task.line.seq_len),
    }
    warm_up, steps = task.scale.warm_up, task.scale.steps
    padded = median(_fit(model, weighted_batches(task), warm_up + steps)[warm_up:])
    found["padded_rows_per_s"] = task.battles / padded
    yield found
    seconds = battles = tokens = cells = 0.0
    by_width = _by_width(our_batches(task, lengths))
    for done, batches in enumerate(by_width, 1):
        of_width = _fit(model, batches, warm_up + steps)
        seconds += len(batches) * median(of_width[warm_up:])
        for inputs, _, weights in batches:
            # Rows of weight 0 fill a batch up, and count as padding.
            battles += np.count_nonzero(weights)
            tokens += inputs["padding_mask"][weights > 0].sum()
            cells += inputs["padding_mask"].size
        yield found | {
            "bucketed_rows_per_s": battles / seconds,
            "bucketed_padding_share": float(1 - tokens / cells),
            "bucketed_battles_share": battles / task.scale.battles,
            "widths": f"{done} of {len(by_width)}",
            "peak_memory_gib": peak_memory_gib(),
        }


def _by_width(batches: list[WeightedBatch]) -> list[list[WeightedBatch]]:
    widths: dict[int, list[WeightedBatch]] = {}
    for batch in batches:
        widths.setdefault(batch[0]["padding_mask"].shape[-1], []).append(batch)
    return sorted(widths.values(), key=len, reverse=True)


def draw_lengths(battles: int, seq_len: int) -> np.ndarray:
    """Return the tokens of both sides, with the prompt, at most `seq_len`: int64 [battles, 2]."""
    random = np.random.default_rng(SEED)
    prompts = random.lognormal(math.log(PROMPT_MEDIAN), PROMPT_DEVIATION, (battles, 1))
    responses = random.lognormal(math.log(RESPONSE_MEDIAN), RESPONSE_DEVIATION, (battles, SIDES))
    return np.minimum((prompts + responses).astype(np.int64) + SPECIAL_TOKENS, seq_len)


def our_batches(task: Task, lengths: np.ndarray) -> list[WeightedBatch]:
    """Return the batches of one epoch of a training on JAX, with random tokens.

    Args:
        task: each batch has at most the tokens of a full-length step of this task.
        lengths: the tokens of each side, int64 [battles, 2].
    """
    widths = padded_widths(lengths.max(axis=1), task.line.seq_len)
    budget = task.battles * task.line.seq_len
    batches = shuffled_batches(widths, budget, np.random.default_rng(SEED))
    made = []
    for positions, counts in Shard().split_batches(batches, widths):
        width = int(widths[positions[0]])
        of_width = replace(task.line, seq_len=width)
        inputs, labels, _ = weighted_batches(replace(task, line=of_width, battles=len(positions)))[
            0
        ]
        mask = np.arange(width) < lengths[positions][:, :, None]
        inputs = {name: array * mask for name, array in inputs.items()}
        made.append((inputs, labels, counts / counts.sum()))
    return made


def _fit(model: keras.Model, batches: list[WeightedBatch], steps: int) -> list[float]:
    times = StepTimes()
    model.fit(endless(batches), steps_per_epoch=steps, callbacks=[times], shuffle=False, verbose=0)
    return times.seconds


if __name__ == "__main__":
    answer(measure)
