"""A blend: a mix of the probabilities of several models, with weights fitted on calibration.

The stage `blend` fits it, once for each way to predict: with the answers as given, and with both
orders averaged. `evaluate` reads what was fitted, and so scores the blend that a user takes.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from preference.config.params import LEARNING_REFERENCES, REFERENCES, EvaluationParams
from preference.config.validation import Probability, Sha256, checked
from preference.runtime.errors import BadInput
from preference.statistics.calibration import Temperature, Temperatures

BLEND = "blend"


@checked
class Mix:
    """The weight of each model, and the temperature that is applied to the mix."""

    weights: Mapping[str, Probability]
    temperature: Temperature


@checked
class BlendFit:
    """The fitted blend: the mix for each way to predict.

    `models` has the sha256 of the weights of each model's training runs, or of the reference's
    files.
    """

    models: Mapping[str, Annotated[list[Sha256], Field(min_length=1)]]
    in_order: Mix
    both_orders: Mix

    def __post_init__(self) -> None:
        for mix in (self.in_order, self.both_orders):
            if set(mix.weights) != set(self.models):
                raise ValueError("it does not have one weight for each model")

    def mix(self, both_orders: bool) -> Mix:
        """Return the mix for a way to predict."""
        return self.both_orders if both_orders else self.in_order

    def temperatures(self) -> Temperatures:
        """Return the temperatures of the mixes."""
        return Temperatures(
            in_order=self.in_order.temperature, both_orders=self.both_orders.temperature
        )


def choose_models(params: EvaluationParams, models: Sequence[str]) -> list[str]:
    """Return the names of the models to blend, which are none where `evaluation.blend` is empty.

    Raises:
        BadInput: `evaluation.blend` names a model that does not exist.
    """
    if params.blend == "auto":
        return [name for name in models if name in LEARNING_REFERENCES or name not in REFERENCES]
    unknown = set(params.blend) - set(models)
    if unknown:
        raise BadInput(
            f"params.yaml: evaluation.blend names {', '.join(sorted(unknown))}, but the models are "
            f"{', '.join(models)}. Correct the spelling, or add the experiment."
        )
    return list(params.blend)
