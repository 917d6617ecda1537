"""Import Keras without `OPTIONAL` packages: a stage imports this module before all others.

The first import of Keras in a process decides what Keras finds. On JAX, nothing is hidden.
"""

import os
from contextlib import nullcontext

from preference.runtime.garbage_collector import kept_from_garbage_collector
from preference.runtime.optional_packages import without_optional_packages

on_jax = os.environ.get("KERAS_BACKEND") == "jax"
with kept_from_garbage_collector(), nullcontext() if on_jax else without_optional_packages():
    import keras_nlp  # noqa: F401
