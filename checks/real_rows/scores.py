"""Log losses of cross-validated predictions, and their paired differences, as Markdown."""

from collections.abc import Mapping

import numpy as np

from preference.rendering.numbers import number, signed
from preference.statistics.metrics import row_log_loss, standard_error

COMPARED_WITH = "tfidf"
HEADER = (
    f"| model | log loss | standard error | minus {COMPARED_WITH} | standard error |\n"
    "|---|---|---|---|---|"
)


def write_table(predicted: Mapping[str, np.ndarray], labels: np.ndarray, groups: np.ndarray) -> str:
    """Return a table with a row for each model, the best last.

    The loss of a battle is its mean over the repetitions, and standard errors are clustered by the
    groups: they have the noise of the battles, but not that of the fits.

    Args:
        predicted: of each model, float64 [repetitions, n, 3].
        labels: int [n].
        groups: int64 [n].
    """
    losses = {
        name: np.mean([row_log_loss(labels, one) for one in repeats], axis=0)
        for name, repeats in predicted.items()
    }
    by_loss = sorted(losses, key=lambda name: -losses[name].mean())
    return "\n".join([HEADER, *(_row(name, losses, groups) for name in by_loss)])


def _row(name: str, losses: Mapping[str, np.ndarray], groups: np.ndarray) -> str:
    own, difference = losses[name], losses[name] - losses[COMPARED_WITH]
    cells = [name, number(own.mean()), number(standard_error(own, groups))]
    is_other = name != COMPARED_WITH
    cells += [signed(difference.mean()), number(standard_error(difference, groups))] * is_other
    return f"| {' | '.join(cells + ['–'] * (5 - len(cells)))} |"
