"""The true ratings of the simulated arena's models.

They are the ratings that very many battles between the models would give, without the chance of the
votes, because the true probabilities of these battles are known.
"""

from collections.abc import Sequence

import numpy as np

from preference.config.data_params import SIMULATED
from preference.config.params import Params
from preference.statistics.bradley_terry import fit_ratings, plain


def true_ratings(params: Params, models: Sequence[str]) -> np.ndarray | None:
    """Return the true rating of each model in logits, float64 [models]; None for real battles."""
    if params.data.source != SIMULATED:
        return None
    # Imported here, so that a run on real battles needs no code of the simulation.
    from simulated import NAMES, simulate_scores

    simulation = params.data.simulated
    pairs, scores = simulate_scores(simulation.battles, simulation.length_scale, params.seed)
    fitted = fit_ratings(plain(pairs, len(NAMES)), scores, np.ones(len(scores)))
    return fitted[[NAMES.index(name) for name in models]]
