"""Post a comment on a pull request, or update the one that is there.

    python3 -m checks.review.post_comment FOLDER

FOLDER holds comment.md. Its text is untrusted, because the author of a pull request controls the
code that writes it. The job that runs this module may write to the pull request: it takes the
module from the base branch, and uses only the standard library.

Guarantees
1. The text mentions nobody, refers to no issue or commit, and has no emoji and no links or images
   except our own link.
2. Only a comment that has our mark and was written by our bot is updated.
3. The pull request is the one of the event; the text cannot name another.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from preference.rendering.markdown_text import WORD_JOINER, break_hashes
from preference.runtime.terminal_text import printable_lines

NAME = "comment.md"
MARK = "<!-- pr-report -->"
BOT = "github-actions[bot]"
# GitHub refuses a comment of more than 65,536 characters; one has four bytes at most.
LONGEST = 65_000
MOST_BYTES = 4 * LONGEST
COMMENTS_A_PAGE = 100
TIMEOUT_SECONDS = 60
CUT = "\n\n… cut here: a comment may be no longer.\n"
# Places where an invisible word joiner keeps text from becoming a mention, a link or markup. They
# are also found behind backslashes, because GitHub looks for mentions and links after it has
# resolved the escapes of Markdown.
ACTIVE = re.compile(
    r"(?<=@)(?=\S)"  # a mention, or an address
    r"|(?<=#)(?=\d)|(?<=\bgh)(?=\\?-)"  # an issue
    r"|(?<=:)(?=[+\\-]*\w[\w+\\-]*:)"  # an emoji
    r"|(?<=:)(?=\\?/)|(?<=www)(?=\\?\.)"  # an address that becomes a link by itself
    r"|(?<=\])(?=[(\[:])"  # a link or an image, or where a reference leads
    r"|(?<=<)(?!/?(?:details|summary)>)(?=[a-z/!?])"  # HTML, but for what folds our tables
    r"|(?<=&)(?=[#a-z])"  # an entity, which may stand for any of these
    r"|(?<=```|~~~)(?=[^\S\n]*\w)",  # a language that is drawn, as a diagram with links is
    re.IGNORECASE,
)


def main(folder: Path) -> None:
    """Post the comment to the pull request that the environment names."""
    settings = os.environ
    repository, number = settings["GITHUB_REPOSITORY"], int(settings["PULL_REQUEST"])
    run = f"{settings['GITHUB_SERVER_URL']}/{repository}/actions/runs/{settings['GITHUB_RUN_ID']}"
    comments = f"repos/{repository}/issues/{number}/comments"
    body = {"body": write_body(read_comment(folder), run)}
    own = next(find_own(comments), None)
    if own is None:
        _request("POST", comments, body)
    else:
        _request("PATCH", f"repos/{repository}/issues/comments/{own}", body)


def read_comment(folder: Path) -> str:
    """Return the text of the one file in the folder.

    Exits with a message where there is another file, or where the file is too large or not UTF-8.
    """
    entries = list(os.scandir(folder))
    if [entry.name for entry in entries] != [NAME] or not entries[0].is_file(follow_symlinks=False):
        sys.exit(f"error: the artifact must hold {NAME}, a regular file, and nothing else.")
    with open(entries[0].path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        sys.exit(f"error: {NAME} has more than {MOST_BYTES:,} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        sys.exit(f"error: {NAME} is not UTF-8: {error.reason} at byte {error.start + 1}.")


def write_body(comment: str, run: str) -> str:
    """Return the body of the comment; `run` is the address of the workflow's run.

    The link comes first, because the text may leave a code block or a fold open.
    """
    link = f"{MARK}\nPlots, and the report as a page: [pr-report]({run}#artifacts)\n\n"
    body = link + neutralize(comment)
    if len(body) <= LONGEST:
        return body
    return body[: LONGEST - len(CUT)].rpartition("\n")[0] + CUT


def neutralize(markdown: str) -> str:
    """Return Markdown that looks the same, without links, images, HTML, mentions and references."""
    return ACTIVE.sub(WORD_JOINER, break_hashes(printable_lines(markdown)))


def find_own(comments: str) -> Iterator[int]:
    """Yield the ids of our comments among all at this path, the oldest first."""
    for page in count(1):
        found = _request("GET", f"{comments}?per_page={COMMENTS_A_PAGE}&page={page}")
        for comment in found:
            is_ours = (comment["user"] or {}).get("login") == BOT
            if is_ours and (comment["body"] or "").startswith(MARK):
                yield comment["id"]
        if len(found) < COMMENTS_A_PAGE:
            return


def _request(method: str, path: str, content: dict[str, str] | None = None) -> Any:  # noqa: ANN401
    request = Request(
        f"{os.environ['GITHUB_API_URL']}/{path}",
        method=method,
        data=None if content is None else json.dumps(content, allow_nan=False).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GH_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        sys.exit(f"error: GitHub answers {error.code} to {method} {path}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
