"""Import large packages without the garbage collector looking at their objects many times.

The 500,000 objects that importing TensorFlow and Keras leaves live as long as the process. By
default, Python searches them for garbage while they are made, and while a model is traced.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_from_garbage_collector() -> Iterator[None]:
    """Collect no garbage within the block, and never look at what lives at its end.

    Not for use as a library, because it also keeps the objects that its caller has made before.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
