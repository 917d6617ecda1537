"""Write the page of Markdown from the content of the JSON file alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preference.rendering.templates_env import environment

TEMPLATES = Path(__file__).parent / "templates"


def write_page(results: Mapping[str, Any], command: str) -> str:
    """Return the page, which names the command that made it."""
    templates = environment(TEMPLATES)
    templates.filters.update(percent=_percent)
    return templates.get_template("reliability.md.j2").render(results, command=command)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f}"
