"""What the trees of the reference `features` read: the importance of each group of features."""

from collections.abc import Mapping

from preference.rendering.numbers import signed
from preference.rendering.tables import Cell, Table


def importance_table(importance: Mapping[str, float]) -> Table:
    """Return the rise of the log loss when a group of features is shuffled, the largest first."""
    by_rise = sorted(importance.items(), key=lambda item: -item[1])
    rows = [[Cell(group), Cell(signed(rise))] for group, rise in by_rise]
    caption = "Rise of the log loss on valid when a group of features is that of another battle"
    return Table(caption, ("features", "rise"), rows)
