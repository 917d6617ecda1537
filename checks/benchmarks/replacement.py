"""Replace an attribute of a class or a module while a variant of our model is measured."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def replacing(owner: object, name: str, value: object) -> Iterator[None]:
    """Give `owner` another attribute `name` within the block.

    Raises:
        KeyError: `owner` does not define the attribute itself, so that nothing is to be replaced.
    """
    original = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)
