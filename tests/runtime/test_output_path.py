"""An output that cannot be written is told in one line, before any model is loaded."""

import os
import runpy
import sys

import pytest

LOADING = "preference.judge.predict_file", "preference.bundle.pack"


@pytest.fixture(params=["predict", "package"])
def refuse(request, tmp_path, monkeypatch, capsys):
    """Run a command on an output, and return the line that it prints."""
    monkeypatch.chdir(tmp_path)
    # What loads models cannot be imported.
    for module in LOADING:
        monkeypatch.setitem(sys.modules, module, None)
    extension, arguments = {
        "predict": (".csv", ["--model", "model", "in.csv"]),
        "package": (".zip", ["model"]),
    }[request.param]

    def run(output):
        output = output.replace(".out", extension)
        monkeypatch.setattr(sys, "argv", ["preference", request.param, *arguments, output])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_module("preference", run_name="__main__")
        assert stopped.value.code == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ") and said.count("\n") == 1
        assert not list(tmp_path.rglob("*.partial"))
        return said.replace(extension, ".out")

    return run


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", ". is"),
        ("file/x.out", "file: File exists. Correct the path"),
        ("file/folder/x.out", "file/folder: Not a directory. Correct the path"),
        ("x" * 252 + ".out", "File name too long. Give it a shorter name"),
        ("/proc/x.out", "/proc/x.out: No such file or directory. Correct the path"),
        ("loop/x.out", "loop: File exists. Correct the path"),
        ("x.other", "x.other is "),
        ("/dev/full", "/dev/full is "),
    ],
)
def test_a_path_at_which_no_file_can_be_made(refuse, tmp_path, output, message):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    assert message in refuse(output)


def test_what_no_file_may_replace_in_silence(refuse, tmp_path):
    (tmp_path / "target").write_text("kept")
    for extension in (".csv", ".zip"):
        (tmp_path / f"folder{extension}").mkdir()
        os.mkfifo(tmp_path / f"pipe{extension}")
        (tmp_path / f"link{extension}").symlink_to("target")
        (tmp_path / f"dangling{extension}").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    assert "folder.out is a folder. Give the name of a file." in refuse("folder.out")
    assert "pipe.out is a device, a pipe or a socket." in refuse("pipe.out")
    assert "link.out is a link to target. " in refuse("link.out")
    assert "dangling.out is a link to nowhere. " in refuse("dangling.out")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "target").read_text() == "kept"


@pytest.mark.parametrize("refuse", ["package"], indirect=True)
def test_a_package_in_the_folder_that_is_packed(refuse, tmp_path):
    (tmp_path / "model").mkdir()
    assert "model/x.out is in model, which is read." in refuse("model/x.out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(refuse, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "closed/x.out: Permission denied. Ask for the permission" in refuse("closed/x.out")
