"""The tables of models and slices, the same for Markdown and for HTML."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import (
    number,
    p_value,
    percent,
    signed,
    signed_interval,
)
from preference.rendering.tables import NONE, Cell, Table, estimate_cell, number_cell
from preference.report.best_experiment import best_experiment
from preference.report.interval_charts import kind_of
from preference.report.oracle_verdict import fraction_closed
from preference.report.significance import Difference, is_tested

METRICS = ("model", "log loss", "accuracy", "macro F1", "flip rate")
CALIBRATION_HEADER = (
    "model",
    "temperature",
    "log loss before",
    "log loss after",
    "error, top label",
    "if calibrated",
    "error, class-wise",
    "if calibrated",
)
# That a cell shows one by one.
MOST_TEMPERATURES = 4

Details = Mapping[str, Any]


def model_table(details: Details) -> Table:
    """Return the metrics of all models, the best first."""
    models = details["models"]
    ranked = sorted(models, key=lambda name: models[name]["log_loss"]["value"])
    difference = f"difference to {details['baseline']}"
    header: tuple[str, ...] = (*METRICS, difference, "Holm p", "calibration error (ECE)")
    rows = [_model_row(name, details) for name in ranked]
    if details["simulated"]:
        header = (*header, "gap closed")
        rows = [[*row, _gap_closed(name, details)] for name, row in zip(ranked, rows, strict=True)]
    return Table("All models on the test battles, with 95 % intervals", header, rows)


def calibration_table(details: Details) -> Table:
    """Return the effect of the temperature, and the calibration errors of all models."""
    rows = [_calibration_row(name, model) for name, model in details["models"].items()]
    header: tuple[str, ...] = CALIBRATION_HEADER
    if details["simulated"]:
        header = (*header, "compared with the oracle")
        for row, model in zip(rows, details["models"].values(), strict=True):
            row.append(number_cell(model["calibration"]["truth"]))
    return Table("Before and after the temperature", header, rows)


def order_table(details: Details) -> Table:
    """Return the position bias of each experiment."""
    header = ("model", "flip rate", "mean change", "log loss of both orders", "gain")
    rows = [_order_row(name, details["models"][name]) for name in details["experiments"]]
    return Table("What changes when the answers change places", header, rows)


def slice_table(details: Details) -> Table:
    """Return log loss and accuracy of the best experiment and the best reference on each slice."""
    shown = [best_experiment(details), details["best_reference"]]
    titles = [f"{title} of {name}" for title in ("log loss", "accuracy") for name in shown]
    header = ("slice", "part", "battles", "groups", "note", *titles)
    rows = [_slice_row(part, shown) for part in details["slices"]]
    return Table("All slices of the test battles", header, rows)


def blend_table(details: Details) -> Table | None:
    """Return the weight of each model in the blend, or None where there is no blend."""
    if not details["blend"]:
        return None
    weights = sorted(details["blend"]["weights"].items(), key=lambda item: -item[1])
    rows = [[Cell(name), Cell(number(weight, 3))] for name, weight in weights]
    return Table("Weights of the blend", ("model", "weight"), rows)


def _model_row(name: str, details: Details) -> list[Cell]:
    model, kind = details["models"][name], kind_of(name, details)
    return [
        Cell(name if kind == "experiment" else f"{name} ({kind})"),
        estimate_cell(model["log_loss"]),
        *(estimate_cell(model[key], 3) for key in ("accuracy", "f1_macro", "flip_rate")),
        *_difference_cells(details["differences"]["baseline"].get(name)),
        estimate_cell(model["calibration"]["top_label"], 3),
    ]


def _difference_cells(difference: Difference | None) -> list[Cell]:
    if difference is None:
        return [Cell(NONE), Cell(NONE)]
    tested = is_tested(difference)
    p = p_value(difference["p_holm"]).removeprefix("=\u00a0") if tested else "not tested"
    return [Cell(signed(difference["value"]), signed_interval(difference)), Cell(p)]


def _gap_closed(name: str, details: Details) -> Cell:
    fraction = fraction_closed(name, details)
    return Cell(NONE if fraction is None else percent(fraction))


def _calibration_row(name: str, model: Mapping[str, Any]) -> list[Cell]:
    temperatures = model.get("temperature")
    return [
        Cell(name),
        Cell(_temperatures(model) if temperatures else NONE),
        estimate_cell(model["log_loss_uncalibrated"]) if temperatures else Cell(NONE),
        estimate_cell(model["log_loss"]),
        *_calibration_cells(model["calibration"]["top_label"]),
        *_calibration_cells(model["calibration"]["class_wise"]),
    ]


def _temperatures(model: Mapping[str, Any]) -> str:
    bound = " (a bound)" if model["temperature_at_bound"] else ""
    temperatures = model["temperature"]
    if len(temperatures) > MOST_TEMPERATURES:
        return f"{number(min(temperatures), 3)} to {number(max(temperatures), 3)}{bound}"
    return ", ".join(number(each, 3) for each in temperatures) + bound


def _calibration_cells(error: Mapping[str, Any]) -> list[Cell]:
    return [estimate_cell(error, 3), Cell(number(error["if_calibrated"], 3))]


def _order_row(name: str, model: Mapping[str, Any]) -> list[Cell]:
    gain = model["both_orders"]["gain"]
    return [
        Cell(name),
        estimate_cell(model["flip_rate"], 3),
        estimate_cell(model["swap_difference"], 3),
        estimate_cell(model["both_orders"]["log_loss"]),
        Cell(signed(gain["value"]), signed_interval(gain)),
    ]


def _slice_row(part: Mapping[str, Any], shown: list[str]) -> list[Cell]:
    models = [part["models"][name] for name in shown]
    return [
        Cell(part["slice"]),
        Cell(part["part"]),
        Cell(f"{part['rows']:,}"),
        Cell(f"{part['groups']:,}"),
        Cell("too few battles" if part["few"] else ""),
        *(estimate_cell(model["log_loss"]) for model in models),
        *(estimate_cell(model["accuracy"], 3) for model in models),
    ]
