"""Outputs are whole or not there, also where writing fails or the process is killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preference.atomic_output import check_room, write_text, writing_file, writing_folder

REPOSITORY = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from pathlib import Path
from preference import atomic_output
with getattr(atomic_output, sys.argv[1])(Path("out")) as partial:
    file = partial / "file" if partial.is_dir() else partial
    file.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def write(kind, path, text):
    with kind(path) as partial:
        (partial / "file" if partial.is_dir() else partial).write_text(text)


@pytest.mark.parametrize(("kind", "name"), [(writing_file, "out"), (writing_folder, "out/file")])
def test_it_appears_when_it_is_complete_and_takes_the_place_of_the_last(tmp_path, kind, name):
    folder = tmp_path / "new" / "folder"
    write(kind, folder / "out", "first")
    assert content(folder) == {name: "first"}
    with kind(folder / "out") as partial:
        (partial / "other" if partial.is_dir() else partial).write_text("second")
        assert content(folder)[name] == "first"
    assert content(folder) == {name.replace("/file", "/other"): "second"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(("kind", "name"), [(writing_file, "out"), (writing_folder, "out/file")])
def test_where_writing_fails_nothing_of_it_is_left(tmp_path, kind, name, error):
    for before in ({}, {name: "before"}):
        with pytest.raises(type(error)), kind(tmp_path / "out") as partial:
            (partial / "file" if partial.is_dir() else partial).write_text("half")
            raise error
        assert content(tmp_path) == before
        write(kind, tmp_path / "out", "before")


@pytest.mark.parametrize(
    ("kind", "name"), [("writing_file", "out"), ("writing_folder", "out/file")]
)
def test_what_a_killed_process_has_left_passes_for_nothing_and_goes_next_time(tmp_path, kind, name):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, kind], cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert content(tmp_path) == {name.replace("out", "out.partial"): "half"}
    write({"writing_file": writing_file, "writing_folder": writing_folder}[kind],
          tmp_path / "out", "whole")  # fmt: skip
    assert content(tmp_path) == {name: "whole"}


def test_text_is_utf_8(tmp_path):
    write_text("Größe\n", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == "Größe\n".encode()


def test_room_is_asked_for_and_not_taken(tmp_path):
    check_room(tmp_path, 2**20)
    with pytest.raises(OSError):
        check_room(tmp_path, 2**60)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_in_one_line(tmp_path):
    """As numpy, shutil and the system tell it; nothing else is taken for it."""
    program = (
        "import json, sys; from preference.errors import exit_on_bad_input\n"
        "with exit_on_bad_input(): raise OSError(*json.loads(sys.argv[1]))"
    )
    errors = [[28, "No space left on device"], [122, "Disk quota exceeded"],
              ["100000 requested and 8176 written"], [2, "No such file or directory"]]  # fmt: skip
    said = [
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(error)],
            cwd=REPOSITORY, text=True, capture_output=True,
        ).stderr
        for error in errors
    ]  # fmt: skip
    *full, other = said
    assert all(one.startswith("error: the disk is full. Make room") for one in full)
    assert other.startswith("Traceback")
