"""Jinja templates that escape text from data."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2

from preference.rendering.markdown_text import escape_markdown


def markdown_template(path: Path) -> jinja2.Template:
    """Load a Markdown template that escapes the value of every expression."""
    return environment(path.parent, finalize=escape_markdown).get_template(path.name)


def content_hash(text: str) -> str:
    """Return the Content-Security-Policy source that allows an inline style or script.

    Args:
        text: everything between the tags.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def environment(folder: Path, **options: Any) -> jinja2.Environment:  # noqa: ANN401
    """Return the environment of a folder's templates. An undefined name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
