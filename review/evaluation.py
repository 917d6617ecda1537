"""What the pipeline itself says of the new side: its verdict, its page, and DVC's plots."""

import shutil
from pathlib import Path

from review.commands import dvc
from review.plots_page import with_policy
from review.revision import Revision

REPORT = Path("metrics/report.md")
PAGE = Path("metrics/report.html")


def read_verdict(folder: Path) -> str:
    """Return the section `Verdict` of the report, which is Markdown, or how to have one."""
    report = folder / REPORT
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    verdict = text.partition("\n## Verdict\n")[2].partition("\n## ")[0].strip()
    return verdict or f"There is none in {REPORT}: run `dvc repro report`."


def write_pages(base: Revision, folder: Path, out: Path) -> list[Path]:
    """Write plots/index.html and report.html into the folder `out`, as far as there are any.

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
