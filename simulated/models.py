"""Draw the two models of each battle."""

import numpy as np

MODELS = 64
# The numbers of a part take 4 MiB; those of a million battles would take 0.5 GiB.
BATTLES_AT_ONCE = 8192


def draw_models(random: np.random.Generator, count: int) -> np.ndarray:
    """Draw two different models for each battle, uniformly: [count, 2]."""
    parts = []
    # In parts, because each battle needs a random number for every model.
    for start in range(0, count, BATTLES_AT_ONCE):
        numbers = random.random((min(BATTLES_AT_ONCE, count - start), MODELS))
        parts.append(np.argsort(numbers, axis=1)[:, :2].copy())
    return np.concatenate(parts)
