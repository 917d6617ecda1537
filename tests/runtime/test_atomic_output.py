"""Outputs are whole or not there, also where writing fails, is killed, or two write at once."""

import errno
import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from repository import REPOSITORY

from preference.runtime import atomic_write, partial_folder
from preference.runtime.atomic_write import (
    check_can_write,
    check_room,
    write_text,
    writing_file,
    writing_folder,
)
from preference.runtime.folder_exchange import exchange

# Writes "other" as soon as it is told to, after half of it, and then waits to be told to end.
WRITER = """
import sys
from pathlib import Path
from preference.runtime import atomic_write
with getattr(atomic_write, sys.argv[1])(Path("out")) as partial:
    file = partial / "file" if partial.is_dir() else partial
    file.write_text("oth")
    print("half", flush=True)
    sys.stdin.readline()
    file.write_text("other")
"""
KINDS = [(writing_file, "out"), (writing_folder, "out/file")]


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def write(kind, path, text):
    with kind(path) as partial:
        (partial / "file" if partial.is_dir() else partial).write_text(text)


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_it_appears_when_it_is_complete_and_takes_the_place_of_the_last(tmp_path, kind, name):
    folder = tmp_path / "new" / "folder"
    write(kind, folder / "out", "first")
    assert content(folder) == {name: "first"}
    with kind(folder / "out") as partial:
        (partial / "other" if partial.is_dir() else partial).write_text("second")
        assert content(folder)[name] == "first"
    assert content(folder) == {name.replace("/file", "/other"): "second"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_where_writing_fails_nothing_of_it_is_left(tmp_path, kind, name, error):
    for before in ({}, {name: "before"}):
        with pytest.raises(type(error)), kind(tmp_path / "out") as partial:
            (partial / "file" if partial.is_dir() else partial).write_text("half")
            raise error
        assert content(tmp_path) == before
        write(kind, tmp_path / "out", "before")


def start_writer(folder, kind):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, kind.__name__],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout.readline() == "half\n"
    return writer


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_what_a_killed_process_has_left_passes_for_nothing_and_goes_next_time(tmp_path, kind, name):
    writer = start_writer(tmp_path, kind)
    writer.kill()
    writer.communicate()
    assert "oth" in content(tmp_path).values()
    assert not (tmp_path / "out").exists()
    # Another output, whose name begins alike.
    write(kind, tmp_path / "ou", "whole")
    assert "oth" in content(tmp_path).values()
    write(kind, tmp_path / "out", "whole")
    assert content(tmp_path) == {name: "whole", name.replace("out", "ou"): "whole"}


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_of_two_processes_the_last_to_end_wins_with_all_of_its_own(tmp_path, kind, name):
    writer = start_writer(tmp_path, kind)
    # Also removes what is left by others: the living one is none of them.
    write(kind, tmp_path / "out", "ours")
    assert content(tmp_path / "out" if "/" in name else tmp_path)[Path(name).name] == "ours"
    writer.communicate("\n")
    assert writer.returncode == 0
    assert content(tmp_path) == {name: "other"}
    writer = start_writer(tmp_path, kind)
    with kind(tmp_path / "out") as partial:
        (partial / "file" if partial.is_dir() else partial).write_text("ours")
        writer.communicate("\n")
        assert writer.returncode == 0
        assert (tmp_path / name).read_text() == "other"
    assert content(tmp_path) == {name: "ours"}


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_any_number_may_write_at_once(tmp_path, kind, name):
    """In threads, which a lock of a process would not keep apart."""

    def write_often(text):
        for _ in range(20):
            write(kind, tmp_path / "out", text * 50)

    threads = [threading.Thread(target=write_often, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "out").exists() and kind is writing_file:
            assert len(set((tmp_path / name).read_text())) == 1
    assert list(content(tmp_path)) == [name]
    assert (tmp_path / name).read_text() in [letter * 50 for letter in "abcd"]


def test_a_folder_that_is_replaced_is_never_missing(tmp_path, monkeypatch):
    for name in "ab":
        write(writing_folder, tmp_path / name, name)
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this disk cannot exchange two folders")
    assert content(tmp_path) == {"a/file": "b", "b/file": "a"}
    monkeypatch.setattr(atomic_write, "_move_away", lambda *_: pytest.fail("it was missing"))
    write(writing_folder, tmp_path / "a", "new")
    assert content(tmp_path) == {"a/file": "new", "b/file": "a"}


@pytest.mark.parametrize("renames", [True, False])
def test_a_folder_is_replaced_where_none_can_be_exchanged(tmp_path, monkeypatch, renames):
    """As on network disks; and in containers, where those of the image cannot be renamed."""
    monkeypatch.setattr(atomic_write, "exchange", lambda one, other: False)
    write(writing_folder, tmp_path / "out", "first")
    if not renames:
        rename = Path.rename

        def rename_new(path, target):
            if path == tmp_path / "out":
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", rename_new)
    write(writing_folder, tmp_path / "out", "second")
    assert content(tmp_path) == {"out/file": "second"}


def test_an_output_takes_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path):
    """DVC may link outputs to its cache."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file").write_text("cached")
    for kind, name, target in ((writing_file, "a", "cache/file"), (writing_folder, "b", "cache")):
        (tmp_path / name).symlink_to(target)
        write(kind, tmp_path / name, "new")
        assert not (tmp_path / name).is_symlink()
    assert content(tmp_path) == {"cache/file": "cached", "a": "new", "b/file": "new"}


@pytest.mark.parametrize("left", [[], [".lock"], [".lock", "out", "old/file"]])
def test_what_is_left_of_a_removal_that_was_killed_goes_too(tmp_path, left):
    folder = tmp_path / f"out.{'0' * 16}.partial"
    folder.mkdir()
    for name in left:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    write_text("whole", tmp_path / "out")
    assert content(tmp_path) == {"out": "whole"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_partial_files_of_other_programs_stay(tmp_path):
    names = ["out.partial", "out.1234.partial", "out.crdownload", f"about.{'0' * 16}.partial"]
    for name in names:
        (tmp_path / name).write_text("")
    write_text("whole", tmp_path / "out")
    assert set(content(tmp_path)) == {*names, "out"}


def test_where_there_are_no_locks_outputs_are_written_and_leftovers_stay(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(partial_folder.fcntl, "flock", no_locks)
    left = tmp_path / f"out.{'0' * 16}.partial"
    left.mkdir()
    (left / ".lock").write_text("")
    write_text("whole", tmp_path / "out")
    assert set(content(tmp_path)) == {"out", f"{left.name}/.lock"}


def test_a_folder_that_another_takes_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """In the instants before it is locked."""
    flock = partial_folder.fcntl.flock
    stolen = []

    def steal_before_locking(file, operation):
        if len(stolen) < 3:
            stolen.append(Path(file.name).parent)
            partial_folder.shutil.rmtree(stolen[-1])
        return flock(file, operation)

    monkeypatch.setattr(partial_folder.fcntl, "flock", steal_before_locking)
    write_text("whole", tmp_path / "out")
    assert len(set(stolen)) == 3
    assert content(tmp_path) == {"out": "whole"}


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "𝔸" * 63])
def test_the_longest_names_can_be_written(tmp_path, name):
    write_text("first", tmp_path / name)
    write_text("second", tmp_path / name)
    assert content(tmp_path) == {name: "second"}


def test_an_error_names_the_output_and_a_check_finds_it_before(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for name, number in {
        f"{'x' * 256}": errno.ENAMETOOLONG,
        "folder": errno.EISDIR,
        "/proc/output": errno.ENOENT,
        "file/output": errno.EEXIST,
        "file/folder/output": errno.ENOTDIR,
    }.items():
        path = tmp_path / name
        for attempt in (check_can_write, lambda path: write_text("text", path)):
            with pytest.raises(OSError) as failed:
                attempt(path)
            assert failed.value.errno == number, name
            assert path.is_relative_to(failed.value.filename)
    check_can_write(tmp_path / "new" / "output")
    assert content(tmp_path) == {"file": ""}


def test_a_folder_that_is_removed_meanwhile_is_an_error_of_the_output(tmp_path):
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(FileNotFoundError, match=r"'.*/folder/out'"))
        partial = stack.enter_context(writing_file(tmp_path / "folder" / "out"))
        partial.write_text("all")
        partial_folder.shutil.rmtree(tmp_path / "folder")


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
        "import json, sys; from preference.runtime.errors import exit_on_bad_input\n"
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
