"""The simulated arena: battles whose true preference probabilities are known.

The folder's name is the value of `data.source` that selects it, so that DVC tracks this code as
the source of the data, in the way that it tracks a user's file.
"""

from simulated.arena import NAMES, simulate_rows, simulate_scores

__all__ = ["NAMES", "simulate_rows", "simulate_scores"]
