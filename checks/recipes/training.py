"""Train an experiment once, in this process, and keep nothing but what was measured."""

import os
import time
from dataclasses import dataclass

from preference.config.experiment import Experiment
from preference.training.threads import thread_variables


@dataclass(frozen=True)
class Measured:
    """The log loss on valid of the epoch that valid chose, and seconds of processor time."""

    log_loss: float
    seconds: float


def train_once(experiment: Experiment, seed: int) -> Measured:
    """Train on tokens, splits and features that the stages have written.

    Raises:
        BadInput: one of these is missing, or the training diverged.
    """
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", **thread_variables(experiment.train.threads)}
    import preference.runtime.lean_keras  # noqa: F401
    from preference.training.dataset import BatchSampler
    from preference.training.fit import train_model
    from preference.training.run import prepare_run, trained_part

    start = time.process_time()
    run = prepare_run(experiment, seed)
    model, battles, valid = trained_part(run)
    sampler = BatchSampler(battles, experiment.train.tokens_per_batch, seed)
    trained = train_model(model, sampler, valid, experiment.train, [])
    return Measured(trained["valid_log_loss"], time.process_time() - start)
