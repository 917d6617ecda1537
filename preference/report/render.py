"""The report of an evaluation: as Markdown for a review, and as a self-contained HTML page.

Guarantees
1. The same inputs give the same bytes.
2. The page loads and runs nothing, and the texts of battles are escaped. Should one not be, the
   Content-Security-Policy of the page keeps a browser from running it or using its styles.
3. A value that a template asks for and does not get is an error, and never an empty string.
"""

from collections.abc import Mapping

from preference.battles.table import LABELS
from preference.rendering.numbers import number, percent
from preference.rendering.templates_env import content_hash, environment, markdown_template
from preference.report.best_experiment import best_experiment
from preference.report.cost import cost_table
from preference.report.data_card import (
    describe_data,
    describe_extra,
    describe_leaks,
    describe_reference_battles,
    length_table,
    quarantine_table,
    split_table,
)
from preference.report.experiments_section import experiments_table
from preference.report.fold_notes import describe_folds
from preference.report.importance import importance_table
from preference.report.inputs import ReportInputs
from preference.report.interval_charts import difference_charts, log_loss_chart, slice_charts
from preference.report.known_prompts_section import (
    describe_known_prompts,
    known_prompts_table,
)
from preference.report.leaderboard_charts import leaderboard_charts
from preference.report.leaderboard_section import (
    describe_leaderboard,
    judge_table,
    leaderboard_table,
)
from preference.report.learning_curves import learning_curve_chart
from preference.report.model_charts import confusion_charts, reliability_charts
from preference.report.model_tables import (
    blend_table,
    calibration_table,
    model_table,
    order_table,
    slice_table,
)
from preference.report.near_duplicate_notes import describe_near_duplicates
from preference.report.notes import (
    describe_blend,
    describe_calibration,
    describe_order,
    describe_slices,
    describe_truth,
)
from preference.report.soft_label_notes import describe_soft_labels
from preference.report.verdict_section import TEMPLATES, list_verdict


def render_markdown(inputs: ReportInputs) -> str:
    """Return the verdict, one table and notes, as Markdown."""
    return markdown_template(TEMPLATES / "report.md.j2").render(_shared(inputs))


def render_html(inputs: ReportInputs) -> str:
    """Return the whole report as one HTML page."""
    templates = environment(TEMPLATES, autoescape=True)
    templates.filters.update(number=number, percent=percent, content_hash=content_hash)
    charts = _charts(inputs)
    tables = _tables(inputs)
    return templates.get_template("report.html.j2").render(
        **_shared(inputs),
        charts=charts,
        tables=tables,
        data=[
            *describe_data(inputs.data),
            *describe_extra(inputs.split),
            *describe_reference_battles(inputs.reference_battles),
        ],
        leaks=describe_leaks(inputs.split),
        hardest=inputs.hardest,
        best=best_experiment(inputs.details),
        labels=LABELS,
    )


def _shared(inputs: ReportInputs) -> dict[str, object]:
    details = inputs.details
    return {
        "simulated": details["simulated"],
        "rows": f"{details['rows']:,}",
        "groups": f"{details['groups']:,}",
        "folds": describe_folds(details),
        "processors": list(dict.fromkeys(details.get("processors", {}).values())),
        "verdict": list_verdict(details, inputs.split, inputs.training),
        "experiments": experiments_table(details),
        "models": model_table(details),
        "notes": {
            "Soft labels": describe_soft_labels(details),
            "Calibration": describe_calibration(details),
            "Order of the answers": describe_order(details),
            "Slices": describe_slices(details),
            "Near duplicates": describe_near_duplicates(details),
            "Known prompts": describe_known_prompts(details),
            "Blend": describe_blend(details),
            "Simulated truth": describe_truth(details),
            "Leaderboard": describe_leaderboard(inputs.leaderboard, best_experiment(details)),
        },
    }


def _charts(inputs: ReportInputs) -> Mapping[str, object]:
    details, curves = inputs.details, inputs.curves
    return {
        "log_loss": [log_loss_chart(details), *difference_charts(details)],
        "reliability": reliability_charts(details),
        "curves": [
            learning_curve_chart("Log loss on valid", curves["valid"], dots=True),
            learning_curve_chart("Log loss on train", curves["train"], dots=False),
        ],
        "confusion": confusion_charts(details),
        "slices": slice_charts(details),
        "leaderboard": leaderboard_charts(inputs.leaderboard, best_experiment(details)),
    }


def _tables(inputs: ReportInputs) -> Mapping[str, object]:
    details, data = inputs.details, inputs.data
    return {
        "slices": slice_table(details),
        "known_prompts": known_prompts_table(details),
        "calibration": calibration_table(details),
        "order": order_table(details),
        "blend": blend_table(details),
        "importance": importance_table(inputs.importance),
        "cost": cost_table(details, inputs.training),
        "splits": split_table(data, inputs.split),
        "lengths": length_table(data),
        "quarantine": quarantine_table(data),
        "judges": judge_table(inputs.leaderboard),
        "leaderboard": leaderboard_table(inputs.leaderboard, best_experiment(details)),
    }
