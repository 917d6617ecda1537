"""Compare recipes: train an experiment with and without each of them, on the same seeds.

    python -m checks.recipes "train.learning_rate=0.005" "model.dropout=0.0" --seeds 1 2 3 4

Each recipe is one argument, with one or several values of params.yaml. The stages preprocess and
featurize must have run. Prints a table of log losses on valid, with paired differences to the
experiment as it is. Test is not read: nothing is chosen on it.
"""

import argparse
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
from tqdm import tqdm

from checks.recipes.recipe import Recipe
from checks.recipes.training import Measured, train_once
from preference.config.params import load_params
from preference.rendering.numbers import number, signed
from preference.runtime.errors import BadInput, exit_on_bad_input

HEADER = (
    "| recipe | log loss on valid | deviation of seeds | difference | standard error | seconds |\n"
    "|---|---|---|---|---|---|"
)


def compare(name: str, recipes: Sequence[Recipe], seeds: Sequence[int], processes: int) -> str:
    """Train each recipe on each seed, and return the table.

    Raises:
        BadInput: a recipe is wrong, or a training failed.
    """
    params = load_params()
    experiments = [recipe.experiment(params, name) for recipe in recipes]
    runs = list(product(experiments, seeds))
    # Keras and TensorFlow keep state, on which no training may depend.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=fresh, max_tasks_per_child=1) as pool:
        trained = pool.map(train_once, *zip(*runs, strict=True))
        measured = list(tqdm(trained, "recipes", len(runs), unit=" trainings"))
    size = len(seeds)
    by_recipe = [measured[start : start + size] for start in range(0, len(runs), size)]
    return write_table([recipe.text for recipe in recipes], by_recipe)


def write_table(names: Sequence[str], measured: Sequence[Sequence[Measured]]) -> str:
    """Return a row for each recipe; the first is what the others are compared with.

    The standard error is that of the mean of the paired differences: it holds the noise of
    training, but not that of the battles of valid.
    """
    losses = np.array([[one.log_loss for one in runs] for runs in measured])
    rows = [HEADER]
    for name, own, runs in zip(names, losses, measured, strict=True):
        difference = own - losses[0]
        error = difference.std(ddof=1) / np.sqrt(len(own))
        paired = [signed(difference.mean()), number(error)] if name else ["–", "–"]
        seconds = np.mean([one.seconds for one in runs])
        cells = [name or "as it is", number(own.mean()), number(own.std(ddof=1)), *paired]
        rows.append(f"| {' | '.join([*cells, f'{seconds:.0f}'])} |")
    return "\n".join(rows)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the arguments."""
    parser = argparse.ArgumentParser(description="Compare recipes on the same seeds.")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="such as train.epochs=4")
    parser.add_argument("--experiment", default="baseline")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="at least two")
    parser.add_argument("--processes", type=int, default=1, help="trainings at the same time")
    return parser


if __name__ == "__main__":
    arguments = command_line().parse_args()
    with exit_on_bad_input():
        if len(set(arguments.seeds)) < 2:
            raise BadInput("--seeds needs at least two seeds, which show the noise of training.")
        recipes = [Recipe.parse(text) for text in ("", *arguments.recipes)]
        print(compare(arguments.experiment, recipes, arguments.seeds, arguments.processes))
