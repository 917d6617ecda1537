"""Open a page in Chromium, without a display."""

import re
import shutil
import subprocess

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium to look at the page with")


def look_at(page, folder, *options):
    """Return the title that the page has when it has run, and what the console says."""
    (folder / "page.html").write_text(page)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [BROWSER, *options, "--v=0", profile, "--dump-dom", (folder / "page.html").as_uri()],
        text=True,
        capture_output=True,
        check=True,
    )
    return re.search("<title>(.*)</title>", done.stdout)[1], re.findall("CONSOLE.*", done.stderr)
