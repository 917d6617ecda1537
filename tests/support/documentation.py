"""The pages of the documentation, and what a Markdown parser finds in them."""

from rendered_markdown import MARKDOWN
from repository import REPOSITORY

PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / ".github").glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
    ]
)


def name_of(page):
    return page.relative_to(REPOSITORY).as_posix()


def tokens_of(page):
    for token in MARKDOWN.parse(page.read_text("utf-8")):
        yield token
        yield from token.children or []


def fences(page):
    """Yield the language and the content of each block of code."""
    for token in tokens_of(page):
        if token.type == "fence":
            yield token.info.strip(), token.content


def blocks(page, language):
    return [content for found, content in fences(page) if found == language]
