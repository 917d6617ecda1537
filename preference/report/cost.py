"""What a model costs to train and to run, beside the baseline."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, quantity
from preference.rendering.tables import NONE, Cell, Table, fraction_cell, number_cell

BLEND = "blend"
# What each figure of a cost is counted in.
UNITS = {
    "parameters": "parameters",
    "train_tflop": "TFLOP to train",
    "gflop_per_battle": "GFLOP a battle",
}
PER_BATTLE = "gflop_per_battle"
# A cost that is higher by less than this factor asks for nothing in return.
SAME_COST = 1.05

Training = Mapping[str, Mapping[str, Any]]
Cost = dict[str, float]


def cost_of(name: str, details: Mapping[str, Any], training: Training) -> Cost:
    """Return the figures of `UNITS` that were measured; a blend costs what it mixes.

    Args:
        name: the arm.
        details: of `metrics/evaluation_details.json`.
        training: of each trained arm, its `metrics/<arm>/metrics.json`.
    """
    members = [training.get(member, {}) for member in _members(name, details)]
    return {
        unit: sum(member[unit] for member in members)
        for unit in UNITS
        if members and all(unit in member for member in members)
    }


def describe_cost(name: str, details: Mapping[str, Any], training: Training) -> list[Sentence]:
    """Say what an arm costs and, where it is not the baseline, how many times the baseline's."""
    cost, baseline = cost_of(name, details, training), details["baseline"]
    if not cost:
        return [Sentence(f"The cost of {name} was not measured.")]
    times = {} if name == baseline else times_as_much(cost, cost_of(baseline, details, training))
    figures = [
        f"{quantity(figure)} {UNITS[unit]}"
        + (f" ({quantity(times[unit])} times {baseline}'s)" if unit in times else "")
        for unit, figure in cost.items()
    ]
    return [Sentence(f"{name} costs {'; '.join(figures)}.")]


def times_as_much(cost: Cost, beside: Cost) -> Cost:
    """Return the ratio of each figure that both have."""
    return {unit: cost[unit] / beside[unit] for unit in cost if beside.get(unit)}


def costs_more(name: str, details: Mapping[str, Any], training: Training) -> bool:
    """Say whether any measured figure of an arm is clearly above the baseline's."""
    beside = cost_of(details["baseline"], details, training)
    times = times_as_much(cost_of(name, details, training), beside)
    return any(ratio > SAME_COST for ratio in times.values())


def cost_table(details: Mapping[str, Any], training: Training) -> Table:
    """Return what each arm costs, and how its training went."""
    times = f"battle, times {details['baseline']}'s"
    run = ("best epoch", "log loss on valid", "sequences cut", "padding")
    rows = [_cost_row(name, details, training) for name in details["arms"]]
    return Table("What each experiment costs", ("model", *UNITS.values(), times, *run), rows)


def _cost_row(name: str, details: Mapping[str, Any], training: Training) -> list[Cell]:
    cost, run = cost_of(name, details, training), training.get(name, {})
    times = times_as_much(cost, cost_of(details["baseline"], details, training))
    return [
        Cell(name),
        *(Cell(quantity(cost[unit]) if unit in cost else NONE) for unit in UNITS),
        Cell(quantity(times[PER_BATTLE]) if PER_BATTLE in times else NONE),
        Cell(str(run.get("best_epoch", NONE))),
        number_cell(run.get("valid_log_loss")),
        fraction_cell(run.get("sequences_cut")),
        fraction_cell(run.get("padding_share")),
    ]


def _members(name: str, details: Mapping[str, Any]) -> list[str]:
    """Name the trained arms behind an arm: a blend needs every arm that has a weight."""
    if name != BLEND or not details["blend"]:
        return [name]
    weights = details["blend"]["weights"]
    return [arm for arm in details["arms"] if weights.get(arm, 0) > 0]
