"""Train the model of planted_training from given weights; print its losses by step and epoch.

It runs in a process of its own with KERAS_BACKEND=jax; batches are filled up for four devices, and
valid judges averaged weights.
"""

import json
import sys
from dataclasses import replace

import keras
import numpy as np
from planted_training import PACKING, TOKENS_PER_BATCH, TRAIN, make_model, plant

from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.distributed.shard import Shard
from preference.training.fit import train_model

EPOCHS = 2


class Losses(keras.callbacks.Callback):
    """Collect the running mean of the log loss at every step, and the validation log loss."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        self.found.append(logs["log_loss"])

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(logs["val_log_loss"])


def train_from(weights, shard):
    """Return the losses of a training on this process's backend."""
    tokens, labels = plant(400)
    rows = np.arange(400)
    train = LabelledBattles(tokens, PACKING, rows[:300], labels[:300])
    valid = LabelledBattles(tokens, PACKING, rows[300:], labels[300:])
    model = make_model()
    model.set_weights(weights)
    losses = Losses()
    params = replace(TRAIN, epochs=EPOCHS, weight_average=0.8)
    sampler = BatchSampler(train, TOKENS_PER_BATCH, seed=3, shard=shard)
    train_model(model, sampler, valid, params, [losses])
    return losses.found


if __name__ == "__main__":
    with np.load(sys.argv[1]) as file:
        first = [file[name] for name in file.files]
    print(json.dumps(train_from(first, Shard(devices=4))))
