"""What is no leftover of ours stays, also where all may write, as in the system's /tmp."""

import os

from preference.runtime import partial_folder
from preference.runtime.atomic_write import write_text


def test_a_link_or_a_folder_of_another_user_is_not_taken_for_a_leftover(tmp_path, monkeypatch):
    (tmp_path / "precious").mkdir()
    for name in (".lock", "file"):
        (tmp_path / "precious" / name).write_text("kept")
    left = tmp_path / f"out.{'0' * 16}.partial"
    left.symlink_to("precious")
    write_text("whole", tmp_path / "out")
    assert left.is_symlink()
    left.unlink()
    (tmp_path / "precious").rename(left)
    monkeypatch.setattr(partial_folder.os, "geteuid", lambda: os.getuid() + 1)
    write_text("whole", tmp_path / "out")
    assert (left / "file").read_text() == "kept"
    monkeypatch.undo()
    write_text("whole", tmp_path / "out")
    assert not left.exists()
