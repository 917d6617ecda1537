import re
import subprocess
import sys
from pathlib import Path

import pytest

from preference.errors import BadInput, exit_on_bad_input

REPOSITORY = Path(__file__).parents[1]
UNFINISHED_BAR = """
from tqdm import tqdm
from preference.errors import BadInput, exit_on_bad_input
with exit_on_bad_input():
    for row in tqdm(range(9), desc="rows"):
        raise BadInput("a.csv, line 2")
"""


def test_what_a_message_quotes_from_a_file_cannot_command_the_terminal(capsys):
    quoted = "\x1b]0;title\x07\x1b[2J \u202e\n\n\tsecond line" + "x" * 10_000
    with pytest.raises(SystemExit) as stopped, exit_on_bad_input():
        raise BadInput(f"a.csv: {quoted}")
    assert stopped.value.code == 1
    message = capsys.readouterr().err.removesuffix("\n")
    assert message.startswith("error: a.csv: ") and "second line" in message
    assert message.isprintable()
    assert len(message) < 3000


def test_a_progress_bar_that_has_not_ended_does_not_hide_the_error():
    done = subprocess.run(
        [sys.executable, "-c", UNFINISHED_BAR],
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    lines = re.split("[\r\n]+", done.stderr)
    assert "error: a.csv, line 2" in lines
    assert any(line.startswith("rows:") for line in lines)


def test_every_other_error_is_let_through():
    with pytest.raises(KeyError), exit_on_bad_input():
        raise KeyError("ours")
