"""The page that `dvc plots` draws, where a text of the plot tries to be a script."""

import base64
import hashlib
import re

import pytest
from browser import look_at, needs_browser
from dvc_render import VegaRenderer, render_html

from checks.review.plots_page import with_policy

PLANTED = [
    "</script><script>document.title = 'ran'</script>",
    "</script><script type = \"text/javascript\">document.title = 'ran'</script>",
    "</script><img src=x onerror=\"document.title = 'ran'\">",
    '</script><script src="https://evil.example/a.js"></script>',
]


def draw(folder, text):
    """A page with a plot that has the text among its figures, and one that has not."""
    plots = [
        VegaRenderer(
            [{"x": 1, "y": 2, "rev": one}],
            name,
            template="linear",
            x="x",
            y="y",
            anchors_y_definitions=[{"filename": "file", "field": "y"}],
            revs_with_datapoints=[one],
        )
        for name, one in {"hostile": text, "sound": "main"}.items()
    ]
    return render_html(plots, folder / "plots.html").read_text()


def scripts_of(page):
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    directives = dict(one.strip().split(" ", 1) for one in policy.split(";"))
    assert directives["default-src"] == directives["base-uri"] == "'none'"
    assert "unsafe-inline" not in directives["script-src"]
    return directives["script-src"].split()


@pytest.mark.parametrize("text", PLANTED)
def test_only_the_plots_and_dvcs_library_may_run(tmp_path, text):
    page = draw(tmp_path, text)
    start = page.index("<script", page.index('id = "sound"'))
    sound = page[page.index(">", start) + 1 : page.index("</script>", start)]
    digest = base64.b64encode(hashlib.sha256(sound.encode()).digest()).decode()
    allowed = scripts_of(with_policy(page))
    assert [one for one in allowed if "sha256" in one] == [f"'sha256-{digest}'"]
    libraries = [one for one in allowed if one.startswith("https:")]
    assert len(libraries) == 3 and all("/npm/vega" in one for one in libraries)


@needs_browser
def test_a_browser_draws_the_plots_and_runs_nothing_else(tmp_path):
    """Without a network the library is missed, and only a script that runs can miss it."""
    page = draw(tmp_path, PLANTED[0])
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    assert look_at(page, tmp_path, offline)[0] == "ran"
    title, complaints = look_at(with_policy(page), tmp_path, offline)
    assert title == "DVC Plot"
    refused = [one for one in complaints if "inline script violates" in one]
    # The planted scripts, and what they have left of the plot's.
    assert len(refused) == page.count("<script>document.title") + 1
    assert sum("vegaEmbed is not defined" in one for one in complaints) == 1
