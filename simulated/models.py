"""Which two models fight a battle."""

import numpy as np

MODELS = 64
# A part takes 4 MiB, and all of a million battles would take 1 GiB.
BATTLES_AT_ONCE = 8192


def draw_models(random: np.random.Generator, count: int) -> np.ndarray:
    """Draw two different models for each battle, all as likely: (count, 2)."""
    parts = []
    # In parts, because each battle takes a number for every model.
    for start in range(0, count, BATTLES_AT_ONCE):
        numbers = random.random((min(BATTLES_AT_ONCE, count - start), MODELS))
        parts.append(np.argsort(numbers, axis=1)[:, :2].copy())
    return np.concatenate(parts)
