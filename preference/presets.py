"""Names of presets: which exist, which are ours, and what to say of one that cannot be loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras_nlp

from preference.errors import BadInput

TRAINED_FROM_SCRATCH = ("deberta_v3_tiny", "deberta_v3_mini")


@contextmanager
def loading_preset(preset: str) -> Iterator[None]:
    """Check that a keras-nlp preset exists, and explain what goes wrong while it is loaded.

    Args:
        preset: a registered name, a `scheme://` handle, or the folder of a saved preset.

    Raises:
        BadInput: there is no such preset, it is damaged, or it cannot be downloaded.
    """
    registered = keras_nlp.models.Backbone.presets
    if not (preset in registered or "://" in preset or Path(preset, "config.json").is_file()):
        raise BadInput(
            f"params.yaml, model.preset: there is no preset {preset!r}. Use one of "
            f"{', '.join(TRAINED_FROM_SCRATCH)}, a keras-nlp name such as "
            "deberta_v3_extra_small_en, or the folder of a saved preset."
        )
    try:
        yield
    # A damaged folder fails as KeyError, TypeError, tf.errors.InternalError or otherwise.
    except Exception as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: "
            f"{type(error).__name__}: {error}. "
            "Check the network, or name the folder of a preset saved on this machine."
        ) from error
