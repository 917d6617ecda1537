"""A recipe: the values of `model` and `train` that it changes, as text and as parameters."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from preference.config.experiment import Experiment, resolve_experiment
from preference.config.params import Params
from preference.runtime.errors import BadInput

# What the stages before training read: another value needs other tokens.
NEEDS_OTHER_TOKENS = ("model.preset", "train.initial")


@dataclass(frozen=True)
class Recipe:
    """What is written in the table, and the values by section and name."""

    text: str
    values: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def parse(text: str) -> "Recipe":
        """Read a text such as `train.epochs=4 model.dropout=0.0`; values are JSON, or else text.

        Raises:
            BadInput: it is no such text, or names what cannot be compared.
        """
        values: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
        for setting in text.split():
            name, is_set, value = setting.partition("=")
            section, _, key = name.partition(".")
            if not is_set or section not in values or name in NEEDS_OTHER_TOKENS:
                raise BadInput(
                    f"{setting!r} is no change of a recipe: write model.<name>=<value> or "
                    f"train.<name>=<value>, but not of {' or '.join(NEEDS_OTHER_TOKENS)}."
                )
            try:
                values[section][key] = json.loads(value)
            except ValueError:
                values[section][key] = value
        return Recipe(text, values)

    def experiment(self, params: Params, name: str) -> Experiment:
        """Return the experiment of params.yaml with these values, without repetitions.

        Raises:
            BadInput: there is no such experiment, or a value is unknown or wrong.
        """
        own: Mapping[str, Mapping[str, Any]] = params.experiments.get(name, {})
        changed = {
            **own,
            **{part: {**own.get(part, {}), **self.values[part]} for part in self.values},
        }
        changed["train"]["seeds"] = []
        if name in params.experiments:
            params = replace(params, experiments={**params.experiments, name: changed})
        return replace(resolve_experiment(params, name), folds=[])
