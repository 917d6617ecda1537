"""The evaluation of the new version: its verdict, its report page, and DVC's plots."""

import shutil
from pathlib import Path

from checks.review.commands import dvc
from checks.review.plots_page import with_policy
from checks.review.revision import Revision
from preference.rendering.markdown_text import escape_markdown
from preference.report.verdict_section import read_verdict, render_verdict
from preference.runtime.errors import BadInput

METRICS = Path("metrics")
PAGE = METRICS / "report.html"


def describe_verdict(folder: Path) -> str:
    """Return the verdict on the metrics of a version as a Markdown list, or why there is none."""
    try:
        return render_verdict(read_verdict(folder / METRICS)).strip()
    except BadInput as error:
        return f"There is no verdict: {escape_markdown(str(error))}"


def write_pages(base: Revision, folder: Path, out: Path) -> list[Path]:
    """Write plots/index.html and report.html into the folder `out`, where there are any.

    Raises:
        CommandFailed: DVC cannot draw the plots.
    """
    plots, page = out / "plots", out / PAGE.name
    dvc(folder, "plots", "diff", base.commit, "--out", str(plots.resolve()))
    index = plots / "index.html"
    if index.exists():
        index.write_text(with_policy(index.read_text(encoding="utf-8")), encoding="utf-8")
    if (folder / PAGE).exists():
        shutil.copy(folder / PAGE, page)
    return [path for path in (index, page) if path.exists()]
