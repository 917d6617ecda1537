"""Take a few training steps from given weights; print the initial logits and the losses."""

import json
import sys

import numpy as np
from small_model import make_backbone, make_inputs, make_model, train_params

from preference.training.training_step import compile_step

STEPS = 3
LABELS = np.eye(3, dtype="float32")[[0, 1, 2, 0, 2]]
# The last row has the weight 0, like a row that fills up a batch.
WEIGHTS = np.array([0.2, 0.2, 0.2, 0.2, 0], dtype="float32")
TRAIN = train_params(backend="jax")


def model_without_dropout():
    return make_model(backbone=make_backbone(dropout=0.0))


def take_steps(model):
    """Return the initial logits, and the loss of each step."""
    inputs = make_inputs(battles=5)
    logits = np.asarray(model(inputs, training=False))
    compile_step(model, TRAIN, STEPS, weighted=True)
    losses = []
    for _ in range(STEPS):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(inputs, LABELS, WEIGHTS)[0]))
    return [logits.tolist(), losses]


if __name__ == "__main__":
    with np.load(sys.argv[1]) as file:
        weights = [file[name] for name in file.files]
    model = model_without_dropout()
    model.set_weights(weights)
    print(json.dumps(take_steps(model)))
