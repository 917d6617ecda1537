"""Populations of simulated battles, and data sets drawn from them.

A data set consists of groups drawn with replacement, and each label is drawn from the true
distribution of the battle. The expectation of a metric is therefore its value on the population.
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
    """Battles, sorted by group.

    Attributes:
        oracle: the true probabilities of the labels, float64 [n, 3].
        surface: the probabilities if only the surface of the answers counted, float64 [n, 3].
        noise: standard normal errors of two models, equal for equal texts, float64 [n, 2, 3].
        sizes: the number of battles of each group, int [groups].
        luck: the battle of the group whose random number decides the label, most often the battle
            itself, int [n].
    """

    oracle: np.ndarray
    surface: np.ndarray
    noise: np.ndarray
    sizes: np.ndarray
    luck: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """A sample: positions of battles in the population, labels and groups, each int [n]."""

    battles: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    @property
    def each(self) -> np.ndarray:
        """Groups of one battle each, int [n]."""
        return np.arange(len(self.groups))


def arena_population(random: np.random.Generator, battles: int, length_scale: float) -> Population:
    """Return the simulated arena, in which battles with the same prompt are a group.

    Exact duplicates have the label of the battle that they repeat. The few battles of the arena
    with identical answers are treated like others here.
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
    """Return battles that one to `MOST_JUDGES` people judge, some of whom vote like the first.

    The judgements of a battle are a group; prompts that several battles share are ignored.
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
    """Draw groups with replacement, with `rows` battles on average, and labels."""
    drawn = random.integers(len(population.sizes), size=round(rows / population.sizes.mean()))
    sizes = population.sizes[drawn]
    groups = np.repeat(np.arange(len(drawn)), sizes)
    numbers = np.arange(len(groups))
    starts = population.sizes.cumsum() - population.sizes
    battles = starts[drawn][groups] + numbers - (sizes.cumsum() - sizes)[groups]
    luck = random.random(len(battles))[numbers + population.luck[battles] - battles]
    steps = population.oracle[battles].cumsum(axis=1)[:, :2]
    return DataSet(battles, (luck[:, None] > steps).sum(axis=1), groups)
