"""Populations of simulated battles, and data sets drawn from them.

A data set is made of groups drawn with replacement, and each label is drawn from the battle's true
distribution. So whatever holds for the population is exactly what a data set should find.
"""

from dataclasses import dataclass

import numpy as np

from simulated.draws import draw_battles
from simulated.utility import agreement_utility, preference_probabilities, surface_utility

MOST_JUDGES = 9
MEAN_JUDGES = (1 + MOST_JUDGES) / 2
COPIED_VOTES = 0.5


@dataclass(frozen=True)
class Population:
    """Battles, those of one group side by side.

    `oracle` and `surface` are float64 [n, 3]: the true probabilities of the labels, and what they
    would be if only the surface of the answers counted. `noise` [n, 2, 3] is standard normal, and
    the same for the same texts: mistakes of models. `sizes` is int [groups]. `luck` is int [n]: the
    battle of the group whose random number decides the label, most often the battle itself.
    """

    oracle: np.ndarray
    surface: np.ndarray
    noise: np.ndarray
    sizes: np.ndarray
    luck: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """Drawn battles: numbers within the population, labels and groups, each int [n]."""

    battles: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    @property
    def each(self) -> np.ndarray:
        """The groups if every battle were one of its own."""
        return np.arange(len(self.groups))


def arena_population(random: np.random.Generator, battles: int, length_scale: float) -> Population:
    """Return the simulated arena, where battles that repeat a prompt are a group.

    Exact duplicates have the label of the battle that they repeat. The arena's few battles with
    identical answers are like the others here.
    """
    draws = draw_battles(random, battles, length_scale)
    shown = np.maximum(np.arange(battles) - draws.duplicate, 0)
    shown = shown[np.argsort(draws.source[shown], kind="stable")]
    surface = surface_utility(draws.answers)
    oracle = preference_probabilities(surface + agreement_utility(draws.answers))
    noise = random.normal(size=(battles, 2, 3))
    _, first, same = np.unique(shown, return_index=True, return_inverse=True)
    return Population(
        oracle=oracle[shown],
        surface=preference_probabilities(surface)[shown],
        noise=noise[shown],
        sizes=np.unique(draws.source[shown], return_counts=True)[1],
        luck=first[same],
    )


def judge_again(population: Population, random: np.random.Generator) -> Population:
    """Let one to `MOST_JUDGES` people judge each battle, of whom a share vote as the first.

    All judgements of a battle are a group; that some battles share a prompt is forgotten.
    """
    battles = len(population.oracle)
    sizes = random.integers(1, MOST_JUDGES, battles, endpoint=True)
    rows = np.repeat(np.arange(battles), sizes)
    first = (sizes.cumsum() - sizes)[rows]
    copied = random.random(len(rows)) < COPIED_VOTES
    return Population(
        oracle=population.oracle[rows],
        surface=population.surface[rows],
        noise=population.noise[rows],
        sizes=sizes,
        luck=np.where(copied, first, np.arange(len(rows))),
    )


def draw_data_set(population: Population, rows: int, random: np.random.Generator) -> DataSet:
    """Draw groups with replacement, as many as have `rows` battles on average, and labels."""
    drawn = random.integers(len(population.sizes), size=round(rows / population.sizes.mean()))
    sizes = population.sizes[drawn]
    groups = np.repeat(np.arange(len(drawn)), sizes)
    numbers = np.arange(len(groups))
    starts = population.sizes.cumsum() - population.sizes
    battles = starts[drawn][groups] + numbers - (sizes.cumsum() - sizes)[groups]
    luck = random.random(len(battles))[numbers + population.luck[battles] - battles]
    steps = population.oracle[battles].cumsum(axis=1)[:, :2]
    return DataSet(battles, (luck[:, None] > steps).sum(axis=1), groups)
