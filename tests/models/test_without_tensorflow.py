"""On JAX the model trains without TensorFlow installed, with the same losses as on TensorFlow."""

import json

import numpy as np
from repository import REPOSITORY
from take_steps import model_without_dropout, take_steps
from without_tensorflow import run_without_tensorflow

TAKE_STEPS = REPOSITORY / "tests" / "support" / "take_steps.py"


def test_steps_without_tensorflow_are_those_of_tensorflow(tmp_path):
    model = model_without_dropout()
    np.savez(tmp_path / "weights.npz", *model.get_weights())
    printed = run_without_tensorflow(tmp_path, TAKE_STEPS, tmp_path / "weights.npz")
    logits, losses = json.loads(printed.splitlines()[-1])
    expected_logits, expected_losses = take_steps(model)
    np.testing.assert_allclose(logits, expected_logits, atol=1e-5)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    assert losses[-1] < losses[0]
