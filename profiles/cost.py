"""Estimate the hours of an experiment from the seconds per battle."""

import math
from dataclasses import dataclass

from preference.config.params import Params
from preference.training.threads import runs_at_once

CPU = "CPU"
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Timing:
    """Seconds per battle of one visit in training, and of prediction.

    `device` is `CPU`, or the name of the accelerator; `peak_memory` the most memory in bytes that
    the process used, without the accelerator's.
    """

    device: str
    train_seconds: float
    predict_seconds: float
    peak_memory: int = 0


def training_hours(params: Params, timing: Timing, battles: int) -> float:
    """Return the hours of all training runs of an experiment, with their predictions.

    Args:
        params: the parameters of the experiment.
        timing: the seconds per battle.
        battles: the number of battles in all splits together.
    """
    split, epochs = params.split, params.train.epochs
    predicted = split.valid * epochs + split.calibration + split.test
    seconds = split.train * epochs * timing.train_seconds + predicted * timing.predict_seconds
    at_once = runs_at_once(params.train.threads, on_processor=timing.device == CPU)
    rounds = math.ceil(len(params.training_seeds()) / at_once)
    return battles * rounds * seconds / SECONDS_AN_HOUR
