"""Keep packages out of a process that Keras imports where they are installed, and does not need."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from preference.runtime.errors import BadInput

# Keras imports pandas to read data frames, and scikit-learn to be used by it; TensorFlow imports
# JAX to convert its models, and keras-hub kagglehub to download presets. All of them do so within
# `try`, and together take a quarter of the time that importing Keras takes.
OPTIONAL = ("jax", "kagglehub", "pandas", "sklearn")


@contextmanager
def without_optional_packages() -> Iterator[None]:
    """Let the block import Keras as if `OPTIONAL` were not installed.

    It is for a command or a stage alone: Keras stays without them in this process. After the block
    they can be imported, as the references of a blend import scikit-learn.

    Raises:
        BadInput: JAX is the backend of Keras, which then cannot be imported.
    """
    hidden = [name for name in OPTIONAL if name not in sys.modules]
    # Python's own mark of a module that cannot be imported.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "jax":
            raise
        raise BadInput("prediction needs TensorFlow: set KERAS_BACKEND=tensorflow.") from error
    finally:
        for name in hidden:
            del sys.modules[name]
