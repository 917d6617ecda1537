"""DVC's page of plots with a Content-Security-Policy: what draws the plots may run, and no more.

DVC writes the figures of a plot into a script as they are, so that a text among them can end it and
begin another. A browser runs only what the policy names: DVC's chart library by its addresses, and
by its hash a script that is, from its first character to its last, what DVC writes for a plot.
"""

import json
import re

from dvc_render import VegaRenderer

from preference.rendering.templates_env import content_hash

LIBRARIES = re.findall(r'<script src="(https://[^"]+)"', VegaRenderer.SCRIPTS)
SCRIPT = re.compile(r'<script type = "text/javascript">(.*?)</script>', re.DOTALL)
PLOT = re.compile(r"\s*var spec = (.*);\s*vegaEmbed\('#[\w-]+', spec\);\s*", re.DOTALL)
HEAD = "<head>"


def with_policy(page: str) -> str:
    """Return the page with a policy at the start of its head."""
    plots = [script for script in SCRIPT.findall(page) if _is_plot(script)]
    sources = [*LIBRARIES, *(f"'{content_hash(script)}'" for script in plots)]
    directives = [
        "default-src 'none'",
        # The library turns the expressions of a plot, which are not JavaScript, into functions.
        f"script-src {' '.join(sources)} 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    policy = f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(directives)}">'
    return page.replace(HEAD, f"{HEAD}\n{policy}", 1)


def _is_plot(script: str) -> bool:
    found = PLOT.fullmatch(script)
    if not found:
        return False
    try:
        json.loads(found[1])
    except (ValueError, RecursionError):
        return False
    return True
