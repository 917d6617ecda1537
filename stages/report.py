"""Write the report of an evaluation as Markdown and as an HTML page.

    python -m stages.report

Reads the metrics of every stage and data/scored/hardest.json; writes metrics/report.md,
metrics/report.html and, for `dvc plots`, metrics/learning_curves/.
"""

from pathlib import Path

from preference.report.inputs import read_report_inputs
from preference.report.learning_curves import write_curves
from preference.report.render import render_html, render_markdown
from preference.runtime.atomic_write import write_text
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone

METRICS = Path("metrics")
HARDEST = Path("data/scored/hardest.json")


def main() -> None:
    """Render the report as Markdown and HTML, and write the learning curves for `dvc plots`."""
    inputs = read_report_inputs(METRICS, HARDEST)
    write_text(render_markdown(inputs), METRICS / "report.md")
    write_text(render_html(inputs), METRICS / "report.html")
    for split, curves in inputs.curves.items():
        write_curves(curves, METRICS / "learning_curves" / f"{split}.csv")


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("report"):
        main()
