"""An archive is the folder that was packed, the same bytes twice, and refused where it is not."""

import re
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_bundle import BUNDLE_FILES, contents, edit_manifest, make_battles, refusal, write_bundle

from preference.bundle.archive import bundle_folder, pack
from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest
from preference.bundle.pack import pack_bundle
from preference.judge.judge import PreferenceJudge
from preference.runtime.errors import BadInput
from preference.sources.row_parser import parse_conversations

NO_DETAILS = Path("no details")


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "models" / "small")


def predict(path):
    battles = [parse_conversations(row) for row in make_battles(5)]
    return PreferenceJudge.load(path).predict(battles)


def test_a_packed_bundle_predicts_the_same_and_is_the_same_bytes_twice(folder, tmp_path):
    (folder / "seed-4").mkdir()
    (folder / "seed-4" / "model.json").write_text("of another training")
    first, again = tmp_path / "first.zip", tmp_path / "again.zip"
    assert not pack_bundle(folder, first, NO_DETAILS)
    for path in folder.rglob("*"):
        path.touch()
    pack_bundle(folder, again, NO_DETAILS)
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == sorted(BUNDLE_FILES)
        for name in BUNDLE_FILES - {"bundle.json"}:
            assert archive.read(name) == (folder / name).read_bytes()
    np.testing.assert_array_equal(predict(first), predict(folder))


def test_a_damaged_folder_is_not_packed(folder, tmp_path):
    (folder / "model.json").write_text("{}")
    with pytest.raises(BadInput, match=r"model\.json is not the file that was saved"):
        pack_bundle(folder, tmp_path / "a.zip", NO_DETAILS)
    assert list(tmp_path.glob("*.zip*")) == []


@pytest.mark.parametrize("key", ["calibration.in_order.metrics.log_loss", "training.best_epoch",
                                 "calibration.both_orders.metrics.flip_rate",
                                 "parameters.model"])  # fmt: skip
def test_a_folder_whose_manifest_lacks_what_the_card_shows_is_not_packed(folder, tmp_path, key):
    def remove(values):
        *sections, last = key.split(".")
        for section in sections:
            values = values[section]
        del values[last]

    edit_manifest(folder, remove)
    with pytest.raises(BadInput, match=rf"small cannot be packed: .*{key.split('.')[-1]}"):
        pack_bundle(folder, tmp_path / "a.zip", NO_DETAILS)
    assert list(tmp_path.glob("*.zip*")) == []


@pytest.mark.parametrize(
    "content", ["", "[]", '{"weights": 1}', '{"weights": {"small": ["HASH"]}}']
)
def test_a_damaged_evaluation_is_told(folder, tmp_path, content):
    weights = read_manifest(folder).files["model.weights.h5"]
    (tmp_path / "details.json").write_text(content.replace("HASH", weights))
    with pytest.raises(BadInput, match=r"details\.json is damaged .*run `dvc repro evaluate`"):
        pack_bundle(folder, tmp_path / "a.zip", tmp_path / "details.json")


def repack(folder, archive, **files):
    pack({**{name: folder / name for name in BUNDLE_FILES}, **files}, archive)
    return archive


def test_an_entry_beside_those_of_the_manifest_is_refused_and_never_written(folder, tmp_path):
    archive = repack(folder, tmp_path / "inner" / "a.zip", **{"../../evil": "text"})
    assert "files are not those that bundle.json names" in refusal(archive)
    edit_manifest(folder, lambda values: values["files"].update({"../../evil": "0" * 64}))
    archive = repack(folder, tmp_path / "inner" / "b.zip", **{"../../evil": "text"})
    assert "inside the bundle" in refusal(archive)
    assert not list(tmp_path.rglob("evil"))


def test_what_a_killed_process_has_unpacked_goes_when_a_bundle_is_next_unpacked(
    folder, tmp_path, monkeypatch
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    archive = repack(folder, tmp_path / "a.zip")
    with bundle_folder(archive) as unpacked:
        (living,) = temporary.iterdir()
        assert living in unpacked.parents and living.stat().st_mode & 0o077 == 0
        # A copy of all that is there is what `kill -9` would leave: its lock is held by nobody.
        left = living.with_name(living.name.translate(str.maketrans("0123456789", "1234567890")))
        shutil.copytree(living, left)
        with bundle_folder(archive) as second:
            assert not left.exists()
            assert contents(second) == contents(unpacked) == contents(folder)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("name", ["model.json", "tokenizer"])
def test_a_link_in_an_archive_is_a_file_with_a_name_in_it(folder, tmp_path, name):
    """Of the kinds of archives, a zip has symbolic links alone; they are not followed, or made."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = zipfile.ZipInfo(name)
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(link, str(outside))
        for path in sorted(BUNDLE_FILES - {name}):
            target.write(folder / path, path)
    assert re.search("not the file that was saved|not those that", refusal(archive))
    assert not list(outside.iterdir())


def test_an_archive_with_a_file_without_a_name_is_refused(folder, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(BUNDLE_FILES):
            target.write(folder / path, path)
        target.writestr("nameless", b"")
        target.filelist[-1].filename = ""
    assert "its files are not those that" in refusal(archive)


def test_an_archive_that_is_not_whole_is_refused(folder, tmp_path):
    archive = tmp_path / "a.zip"
    pack_bundle(folder, archive, NO_DETAILS)
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-100])
    assert "neither a folder nor a complete zip file" in refusal(archive)
    middle = len(whole) // 2
    archive.write_bytes(whole[:middle] + bytes(50) + whole[middle + 50 :])
    assert "cannot be unpacked" in refusal(archive)
    pack({"README.md": "text"}, archive)
    assert "has no bundle.json" in refusal(archive)


def test_an_archive_that_another_program_packed_is_refused_where_it_is_damaged(folder, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as target:
        for name in sorted(BUNDLE_FILES):
            target.write(folder / name, name)
    assert load_bundle(archive)
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes(whole[:middle] + bytes(50) + whole[middle + 50 :])
    assert "cannot be unpacked" in refusal(archive)
    pack({"\u00e9": "text"}, archive)
    archive.write_bytes(archive.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    assert "cannot be unpacked" in refusal(archive)


def test_an_archive_that_would_fill_the_disk_is_refused(folder, tmp_path, monkeypatch):
    archive = tmp_path / "a.zip"
    pack_bundle(folder, archive, NO_DETAILS)
    size = sum(map(len, contents(folder).values()))
    monkeypatch.setattr("preference.bundle.archive.LARGEST_BUNDLE", size + 1000)
    assert load_bundle(archive)
    monkeypatch.setattr("preference.bundle.archive.LARGEST_BUNDLE", size - 1000)
    assert "unpacked it is larger" in refusal(archive)
