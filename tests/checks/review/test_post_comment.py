"""The job that comments takes what it posts for a stranger's words, against a GitHub of our own."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rendered_markdown import COMMIT, EMOJI, HOSTILE, LINKS, TEXTS
from repository import REPOSITORY

from checks.review.post_comment import (
    BOT,
    LONGEST,
    MARK,
    MOST_BYTES,
    main,
    neutralize,
    read_comment,
    write_body,
)
from preference.rendering.markdown_text import WORD_JOINER

MARKDOWN = MarkdownIt("js-default", {"html": True})
RUN = "https://example.com/some/where/actions/runs/5"
STRANGER = "someone"


class GitHub:
    """The comments of pull request 7, in the order in which they were written."""

    def __init__(self):
        self.comments = []
        self.refuses = False

    def add(self, login, body):
        user = login and {"login": login}
        self.comments.append({"id": 100 + len(self.comments), "user": user, "body": body})

    def answer(self, method, path, content):
        if self.refuses:
            return 403, {}
        if found := re.fullmatch(r"/repos/some/where/issues/comments/(\d+)", path):
            assert method == "PATCH"
            (comment,) = (one for one in self.comments if one["id"] == int(found[1]))
            return 200, comment | {"body": comment.__setitem__("body", content["body"])}
        if method == "POST" and path == "/repos/some/where/issues/7/comments":
            self.add(BOT, content["body"])
            return 201, self.comments[-1]
        found = re.fullmatch(
            r"/repos/some/where/issues/7/comments\?per_page=(\d+)&page=(\d+)", path
        )
        size, page = int(found[1]), int(found[2])
        return 200, self.comments[size * (page - 1) : size * page]


@pytest.fixture
def github(monkeypatch):
    hub = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            assert self.headers["Authorization"] == "Bearer secret"
            length = int(self.headers.get("Content-Length", 0))
            content = json.loads(self.rfile.read(length)) if length else None
            status, answer = hub.answer(self.command, self.path, content)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = respond

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
        "GITHUB_SERVER_URL": "https://example.com",
        "GITHUB_REPOSITORY": "some/where",
        "GITHUB_RUN_ID": "5",
        "GH_TOKEN": "secret",
        "PULL_REQUEST": "7",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path):
    """An artifact."""
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact/comment.md").write_text("# Against `main`\n\n| a | b |\n|---|---|\n")
    return tmp_path / "artifact"


def test_a_comment_is_posted_once_and_then_updated_in_place(github, folder):
    github.add(STRANGER, "Nice.")
    main(folder)
    (folder / "comment.md").write_text("# Against `main`, once more\n")
    main(folder)
    assert [comment["user"]["login"] for comment in github.comments] == [STRANGER, BOT]
    assert github.comments[0]["body"] == "Nice."
    mark, link, _, heading = github.comments[1]["body"].splitlines()
    assert mark == MARK
    assert link.endswith(f"[pr-report]({RUN}#artifacts)")
    assert heading == "# Against `main`, once more"


def test_only_what_has_our_mark_and_is_by_our_bot_is_updated(github, folder):
    github.add(STRANGER, f"{MARK}\nby a stranger")
    github.add(BOT, "of another workflow")
    github.add(BOT, f"quoted: {MARK}")
    github.add(None, f"{MARK}\nby one who left")
    before = [dict(comment) for comment in github.comments]
    main(folder)
    assert github.comments[:4] == before
    assert github.comments[4]["body"].startswith(MARK)


def test_our_comment_is_found_behind_many_others(github, folder):
    for number in range(230):
        github.add(STRANGER, f"{number}")
    github.add(BOT, f"{MARK}\nold")
    main(folder)
    assert len(github.comments) == 231
    assert "Against" in github.comments[-1]["body"]


def test_the_module_runs_without_any_package(github, folder):
    """As the job does, which has nothing but a checkout of the base branch."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", "-m", "checks.review.post_comment", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    assert len(github.comments) == 1


def test_what_github_refuses_is_told_in_a_line(github, folder):
    github.refuses = True
    with pytest.raises(SystemExit, match="error: GitHub answers 403 to GET repos/some/where"):
        main(folder)


def test_the_number_is_a_number(github, folder, monkeypatch):
    monkeypatch.setenv("PULL_REQUEST", "7/../../../issues/8")
    with pytest.raises(ValueError, match="invalid literal"):
        main(folder)
    assert github.comments == []


@pytest.mark.parametrize("planted", ["link", "folder", "second", "other", "none", "pipe"])
def test_an_artifact_that_is_not_one_regular_file_is_refused(folder, tmp_path, planted):
    comment = folder / "comment.md"
    (tmp_path / "secret").write_text("a token")
    if planted == "second":
        (folder / "checks.py").write_text("")
    else:
        comment.unlink()
    if planted == "link":
        comment.symlink_to(tmp_path / "secret")
    if planted == "folder":
        comment.mkdir()
    if planted == "other":
        (folder / "comments.md").write_text("x")
    if planted == "pipe":
        os.mkfifo(comment)
    with pytest.raises(SystemExit, match=r"must hold comment\.md, a regular file, and nothing"):
        read_comment(folder)


def test_what_is_too_long_or_no_text_is_refused(folder):
    with (folder / "comment.md").open("wb") as file:
        file.truncate(2**32)
    with pytest.raises(SystemExit, match=f"more than {MOST_BYTES:,} bytes"):
        read_comment(folder)
    (folder / "comment.md").write_bytes(b"# \xff")
    with pytest.raises(SystemExit, match="not UTF-8: invalid start byte at byte 3"):
        read_comment(folder)


@pytest.mark.parametrize("text", ["@a", "x\n", "# heading\n", "\U0001f600"])
def test_a_long_comment_is_cut_to_what_github_takes(text):
    body = write_body(text * (2 * LONGEST), RUN)
    assert len(body) <= LONGEST and body.endswith("… cut here: a comment may be no longer.\n")
    assert body.startswith(f"{MARK}\nPlots")


MORE_HOSTILE = [
    *(
        "&#64;someone &commat;someone &#x40;someone",
        "\\@someone @\\someone",
        "https\\://example.com",
        "\\:tada\\: :white\\_check\\_mark: *:+1:* &colon;tada: | :tada: |",
        "_c0ffee1_ **c0ffee1** \\(c0ffee1\\) `c0ffee1` c0ffee1\\_",
    ),
    *("https:\\/\\/example.com", "www\\.example.com", "GH\\-7 gh-7", "\\#7", "Closes some/where#7"),
    *("</details></summary><details open>", "<DETAILS>", "<details x>", "<summary onclick=x>"),
    *("<!-- pr-report -->", "[x]: https://example.com\n\n[x]", "[x]\n\n[x]:\nhttps://example.com"),
    *("![x]\\(y)", "[a](b)[c](d)", "[a][b]\n\n[b]: c", "a [^1]\n\n[^1]: note", "> [!NOTE]\n> x"),
    *("``` mermaid\ngraph\n```", "~~~geojson\n~~~", "- a\n  ```mermaid\n  x", "\tcode @someone"),
]


def assert_harmless(markdown):
    tokens = []
    for token in MARKDOWN.parse(neutralize(markdown)):
        tokens += token.children if token.type == "inline" else [token]
    types = {token.type for token in tokens}
    assert types.isdisjoint({"link_open", "image"})
    html = [token.content for token in tokens if token.type in ("html_inline", "html_block")]
    left = re.sub(r"</?(details|summary)>", "", "\n".join(html), flags=re.IGNORECASE)
    assert re.search(r"<[a-z/!?]", left, re.IGNORECASE) is None
    assert all(not re.match(r"\w", token.info) for token in tokens if token.type == "fence")
    assert not any(EMOJI.search(each.content) or COMMIT.search(each.content) for each in tokens)
    shown = "".join(token.content for token in tokens if token.type != "softbreak")
    assert LINKS.search(shown) is None
    assert all(c.isprintable() or c in "\n\u00a0\u2060" for c in shown)


@pytest.mark.parametrize("markdown", MORE_HOSTILE)
def test_hostile_markdown_mentions_and_links_nothing(markdown):
    assert_harmless(markdown)


def with_examples(test):
    for text in HOSTILE:
        test = example(text)(test)
    return test


@with_examples
@given(TEXTS | st.lists(st.sampled_from(HOSTILE + MORE_HOSTILE)).map("\n\n".join))
def test_no_text_mentions_or_links_anything(markdown):
    assert_harmless(markdown)


def test_an_honest_comment_looks_the_same():
    comment = (
        "# Against `main` (c0ffee)\n\n**Larger than noise: `exp1` is better.**\n\n"
        "> **Warning:** see [0.91, 0.95], p <\u00a00.001.\n\n| a | b |\n|---|---|\n| `x` | 1 |\n\n"
        "<details>\n<summary>More</summary>\n\n- exp1 is it.\n\n</details>\n"
    )
    assert neutralize(comment) == comment
    more = (
        comment
        + "by `uses@v4` of c0ffee1\n\n| left | centre |\n|:---|:---:|\n| :a | 0.12345678 |\n"
    )
    page = MARKDOWN.render(neutralize(more))
    assert page.replace(WORD_JOINER, "") == MARKDOWN.render(more)
