"""What a model costs to train and to run, compared with the baseline."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, quantity
from preference.rendering.tables import NONE, Cell, Table, fraction_cell, number_cell

BLEND = "blend"
# The measured costs, with the names of their units.
UNITS = {
    "parameters": "parameters",
    "train_tflop": "TFLOP to train",
    "gflop_per_battle": "GFLOP a battle",
}
PER_BATTLE = "gflop_per_battle"

# The content of metrics/train/<experiment>/metrics.json, by experiment.
TrainingMetrics = Mapping[str, Mapping[str, Any]]
Cost = dict[str, float]


def cost_of(name: str, details: Mapping[str, Any], training: TrainingMetrics) -> Cost:
    """Return the costs in `UNITS` that were measured. A blend costs the sum of its members.

    Args:
        name: of the experiment or of the blend.
        details: the content of `metrics/evaluation_details.json`.
        training: of all experiments.
    """
    members = [training.get(member, {}) for member in _members(name, details)]
    return {
        unit: sum(member[unit] for member in members)
        for unit in UNITS
        if members and all(unit in member for member in members)
    }


def describe_cost(
    name: str, details: Mapping[str, Any], training: TrainingMetrics
) -> list[Sentence]:
    """Report the costs of an experiment, also as multiples of those of the baseline."""
    cost, baseline = cost_of(name, details, training), details["baseline"]
    if not cost:
        return [Sentence(f"The cost of {name} was not measured.")]
    times = {} if name == baseline else cost_ratios(cost, cost_of(baseline, details, training))
    costs = [
        f"{quantity(amount)} {UNITS[unit]}"
        + (f" ({quantity(times[unit])} times {baseline}'s)" if unit in times else "")
        for unit, amount in cost.items()
    ]
    return [Sentence(f"{name} costs {'; '.join(costs)}.")]


def cost_ratios(cost: Cost, other: Cost) -> Cost:
    """Return the ratios of the costs that were measured for both."""
    return {unit: cost[unit] / other[unit] for unit in cost if other.get(unit)}


def cost_table(details: Mapping[str, Any], training: TrainingMetrics) -> Table:
    """Return the costs of each experiment, and how its training went."""
    times = f"cost of a battle, relative to {details['baseline']}"
    run = ("best epoch", "log loss on valid", "sequences cut", "padding")
    rows = [_cost_row(name, details, training) for name in details["experiments"]]
    return Table("What each experiment costs", ("model", *UNITS.values(), times, *run), rows)


def _cost_row(name: str, details: Mapping[str, Any], training: TrainingMetrics) -> list[Cell]:
    cost, run = cost_of(name, details, training), training.get(name, {})
    times = cost_ratios(cost, cost_of(details["baseline"], details, training))
    return [
        Cell(name),
        *(Cell(quantity(cost[unit]) if unit in cost else NONE) for unit in UNITS),
        Cell(quantity(times[PER_BATTLE]) if PER_BATTLE in times else NONE),
        Cell(str(run.get("best_epoch", NONE))),
        number_cell(run.get("valid_log_loss")),
        fraction_cell(run.get("sequences_cut")),
        fraction_cell(run.get("padding_share")),
    ]


def only_member(details: Mapping[str, Any]) -> str | None:
    """Return the only model that the blend has a weight for; None where it mixes several."""
    weights = (details["blend"] or {"weights": {}})["weights"]
    members = [name for name, weight in weights.items() if weight > 0]
    return members[0] if len(members) == 1 else None


def _members(name: str, details: Mapping[str, Any]) -> list[str]:
    """Return the experiments that a prediction needs: for a blend, all that have a weight."""
    if name != BLEND or not details["blend"]:
        return [name]
    weights = details["blend"]["weights"]
    return [member for member in details["experiments"] if weights.get(member, 0) > 0]
