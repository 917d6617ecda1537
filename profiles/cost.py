"""From the seconds of a battle to the hours of an experiment."""

from dataclasses import dataclass

from preference.config.params import Params

CPU = "CPU"
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Timing:
    """What a battle takes: seconds of training, each time it is visited, and of prediction.

    `device` is `CPU`, or the name of the accelerator.
    """

    device: str
    train_seconds: float
    predict_seconds: float


def training_hours(params: Params, timing: Timing, battles: int) -> float:
    """Return the hours of all trainings of an experiment, with all that they predict.

    Args:
        params: of the experiment.
        battles: of all splits.
    """
    split, epochs = params.split, params.train.epochs
    predicted = split.valid * epochs + split.calibration + split.test
    seconds = split.train * epochs * timing.train_seconds + predicted * timing.predict_seconds
    return battles * len(params.training_seeds()) * seconds / SECONDS_AN_HOUR
