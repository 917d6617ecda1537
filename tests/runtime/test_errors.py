import errno
import os
import re
import subprocess
import sys

import pytest
from repository import REPOSITORY

from preference.runtime.errors import ADVICE, BadInput, exit_on_bad_input

UNFINISHED_BAR = """
from tqdm import tqdm
from preference.runtime.errors import BadInput, exit_on_bad_input
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


def test_without_a_place_for_errors_the_work_is_done(monkeypatch):
    """As under a daemon that has closed it."""
    monkeypatch.setattr(sys, "stderr", None)
    with exit_on_bad_input():
        print("progress", file=sys.stderr)
        sys.stderr.write("more")


def test_every_other_error_is_let_through():
    for error in (KeyError("ours"), OSError(errno.ENOENT, "without a path"), OSError("no number")):
        with pytest.raises(type(error)), exit_on_bad_input():
            raise error


@pytest.mark.parametrize("number", ADVICE)
def test_a_path_that_cannot_be_used_is_told_with_what_to_do(number, capsys):
    with pytest.raises(SystemExit) as stopped, exit_on_bad_input():
        raise OSError(number, os.strerror(number), "a/path")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"error: a/path: {os.strerror(number)}. {ADVICE[number]}\n"


def test_errors_of_the_system_itself_are_told(tmp_path, capsys):
    """As Python raises them, for a name of bytes that are not UTF-8, too."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    names = ["", "missing", "loop", "file/below", "x" * 256, os.fsdecode(b"\xff/below")]
    for name in names:
        with pytest.raises(SystemExit), exit_on_bad_input():
            (tmp_path / name).write_text("") if not name else (tmp_path / name).read_text()
        said = capsys.readouterr().err
        assert said.startswith(f"error: {tmp_path}/{name}".rstrip("/").replace("\udcff", "\ufffd"))
        assert said.count("\n") == 1


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_where_nobody_reads_its_output_a_command_ends_silently(stream):
    """As in `command | head`, also where the lines are still in Python's buffer at the end."""
    program = (
        "import sys; from preference.runtime.errors import exit_on_bad_input\n"
        f"with exit_on_bad_input(): print('line ' * {{}}, file=sys.{stream})"
    )
    for count in (1, 100_000):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-c", program.format(count)],
            cwd=REPOSITORY,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer},
        )
        os.close(writer)
        assert done.returncode == 141
        assert not done.stdout and not done.stderr
