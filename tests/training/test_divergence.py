"""A run that diverged is an error that says what to change, and leaves the model unchanged."""

from types import SimpleNamespace

import numpy as np
import pytest

from preference.runtime.errors import BadInput
from preference.training.best_epoch import BestEpoch
from preference.training.fit import DIVERGED, choose_best

NAN, INFINITE = float("nan"), float("inf")


def after(*losses):
    """Return a model, and the best epoch after epochs with these validation log losses."""
    epoch_weights = iter(range(len(losses)))
    model = SimpleNamespace(get_weights=lambda: [next(epoch_weights)], loaded=None)
    model.set_weights = lambda weights: setattr(model, "loaded", weights)
    best = BestEpoch(patience=len(losses))
    best.set_model(model)
    for epoch, loss in enumerate(losses):
        best.on_epoch_end(epoch, {"val_log_loss": loss, "val_accuracy": 0.25})
    return model, best


@pytest.mark.parametrize(
    "losses",
    [[NAN], [NAN, INFINITE], [np.nextafter(DIVERGED, INFINITE)], [1e30, 2 * DIVERGED, NAN]],
)
def test_without_a_usable_epoch_the_message_names_the_learning_rate(losses):
    model, best = after(*losses)
    with pytest.raises(BadInput, match=r"^the training diverged: lower train\.learning_rate in"):
        choose_best(model, best)
    assert model.loaded is None


def test_epochs_that_diverged_are_not_chosen():
    for losses, expected in (([1.5, NAN, 1e30], 0), ([NAN, 1.2, INFINITE], 1), ([DIVERGED], 0)):
        model, best = after(*losses)
        chosen = choose_best(model, best)
        assert chosen == {
            "epochs": len(losses),
            "best_epoch": expected + 1,
            "valid_log_loss": losses[expected],
            "valid_accuracy": 0.25,
        }
        assert model.loaded is not None
