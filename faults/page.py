"""The results as a page of Markdown, written from the content of the JSON file alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def write_page(results: Mapping[str, Any], command: str) -> str:
    """Return the page; `command` is named as what made it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=_percent)
    return environment.get_template("reliability.md.j2").render(results, command=command)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
