"""The moving average of the weights, which valid judges and which is kept (`train.weight_average`).

Guarantees
1. After step t, with the weights w[1] to w[t], the average is
   `sum((1 - decay) * decay**(t - i) * w[i]) / (1 - decay**t)`: as in Adam (arXiv:1412.6980, section
   3), it has no bias towards the weights that training began with, however short the run is.
2. Training is the same as without it: each step starts from the weights that the last one left.

Keras has `use_ema` and `SwapEMAWeights`, which give neither. The average of `use_ema` begins with
the weights after the first step, which dominate it for `1 / (1 - decay)` steps. At its end `fit`
replaces the weights by the average, although a training that resumes within an epoch needs a second
`fit`. On TensorFlow, `SwapEMAWeights` exchanges the two by sums and differences, which round.
"""

import math

import keras
import numpy as np
from keras import ops


def newest_share(decay: float, steps: keras.KerasTensor) -> keras.KerasTensor:
    """Return the share of the newest of `steps` values: `(1 - decay) / (1 - decay**steps)`.

    Computed like this, `1 - decay**steps` would have three right digits where `decay` is 0.9999.
    """
    return (1 - decay) / -ops.expm1(ops.cast(steps, "float32") * math.log(decay))


class JudgeAverage(keras.callbacks.Callback):
    """Give the model the averaged weights for valid, and afterwards those that it trains with.

    Callbacks that keep the weights of an epoch come before it, those that save the state of
    training after it.
    """

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Replace the weights by their averages."""
        adam = self.model.optimizer
        # In float16, the optimizer that scales the loss holds Adam.
        averages = getattr(adam, "inner_optimizer", adam).averages
        self.trained = [variable.numpy() for variable in self.model.trainable_variables]
        self._assign([average.numpy() for average in averages])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Bring back the weights of the last step."""
        self._assign(self.trained)
        self.trained = []

    def _assign(self, values: list[np.ndarray]) -> None:
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value)
