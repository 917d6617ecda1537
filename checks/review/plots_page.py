"""Add a Content-Security-Policy to DVC's page of plots: only what draws the plots may run.

DVC writes the data of a plot into a script without escaping, so that a text in the data can end the
script and begin another. A browser runs only what the policy allows: the chart library by its
addresses, and by their hashes the scripts that have exactly the form that DVC writes for a plot.
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
        # Vega compiles the expressions of a plot, which are not JavaScript, to functions.
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
