"""A bundle is whole, the same twice, and refused where it is damaged or of another origin."""

import json
import re
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import huggingface_hub
import numpy as np
import pytest
import yaml
from hostile_objects import DENSE, PLANTED, inside
from small_bundle import (
    FIGURES,
    make_battles,
    replace_file,
    small_manifest,
    small_network,
    write_bundle,
)

from preference.battle_rows import parse_unlabelled_battle
from preference.bundle import load_bundle
from preference.bundle_archive import pack
from preference.bundle_writer import resolved_parameters
from preference.errors import BadInput
from preference.group_bootstrap import Estimate
from preference.judge import PreferenceJudge
from preference.manifest import FiguresOnTest, read_manifest, write_manifest
from preference.model_card import render_card
from preference.packed_bundle import pack_bundle
from preference.params import load_params

REPOSITORY = Path(__file__).parents[1]
NO_DETAILS = Path("no details")
FILES = {
    "README.md",
    "bundle.json",
    "model.json",
    "model.weights.h5",
    "tokenizer/assets/tokenizer/vocabulary.spm",
    "tokenizer/tokenizer.json",
}


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "models" / "small")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(path):
    with pytest.raises(BadInput) as error:
        load_bundle(path)
    assert str(path) in str(error.value)
    return str(error.value)


def predict(path):
    battles = [parse_unlabelled_battle(row) for row in make_battles(5)]
    return PreferenceJudge.load(path).predict(battles)


def test_a_bundle_is_these_files_and_the_same_bytes_twice(folder, tmp_path):
    first = contents(folder)
    assert set(first) == FILES
    assert set(read_manifest(folder).files) == FILES - {"bundle.json"}
    again = contents(write_bundle(tmp_path / "again"))
    assert again == first
    for name, content in first.items():
        assert str(tmp_path).encode() not in content, name
        assert str(REPOSITORY).encode() not in content, name


def test_what_is_loaded_is_what_was_saved(folder):
    bundle = load_bundle(folder)
    assert replace(bundle.manifest, files={}) == small_manifest()
    for loaded, saved in zip(bundle.model.weights, small_network().weights, strict=True):
        np.testing.assert_array_equal(loaded, saved)


@pytest.mark.parametrize("name", sorted(FILES - {"bundle.json"}))
def test_a_damaged_or_missing_file_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"{name} is not the file that was saved" in refusal(folder)
    (folder / name).unlink()
    assert f"{name} is missing" in refusal(folder)


def edit_manifest(folder, change):
    values = json.loads((folder / "bundle.json").read_text())
    change(values)
    (folder / "bundle.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(format=2), "has format 2, and this code reads format 1"),
        (lambda values: values.pop("format"), "bundle.json is damaged"),
        (lambda values: values.pop("prior"), "bundle.json is damaged (prior"),
        (lambda values: values.update(prior=[0.5, 0.5]), "bundle.json is damaged (prior"),
        (
            lambda values: values.update(labels=["B", "A", "tie"]),
            "its labels are ['B', 'A', 'tie']",
        ),
        (lambda values: values["files"].pop("model.json"), "does not name model.json"),
        (lambda values: values["files"].update({"../evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"/evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"a\\..\\evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"C:evil": "0" * 64}), "inside the bundle"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, change, message):
    edit_manifest(folder, change)
    assert message in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "bundle.json").write_bytes(content)
    assert "bundle.json is damaged" in refusal(folder)


def test_what_is_no_bundle_is_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "missing")
    assert "has no bundle.json" in refusal(tmp_path)
    (tmp_path / "file").write_text("text")
    assert "neither a folder nor a complete zip file" in refusal(tmp_path / "file")


@pytest.mark.parametrize("hide", [lambda planted: planted, inside], ids=["open", "nested"])
@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("name", ["model.json", "tokenizer/tokenizer.json"])
def test_a_class_that_no_model_of_ours_has_is_refused(folder, planted, hide, name):
    config = json.loads((folder / name).read_text())
    config["config"]["planted"] = [hide(planted)]
    replace_file(folder, name, json.dumps(config))
    message = refusal(folder)
    assert "may hold code" in message
    assert planted["class_name"] in message


def test_an_optimizer_is_not_built(folder):
    config = json.loads((folder / "model.json").read_text())
    optimizer = {"module": "keras.optimizers", "class_name": "Adam", "config": {}}
    config["compile_config"] = {"optimizer": optimizer}
    replace_file(folder, "model.json", json.dumps(config))
    assert "'Adam'" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.json", "{", "model.json cannot be read"),
        ("model.json", "[" * 100_000, "model.json cannot be read"),
        ("model.json", json.dumps(DENSE | {"config": {"units": 1}}), "describes no Model"),
        ("model.weights.h5", "no HDF5", "does not fit model.json"),
        ("tokenizer/assets/tokenizer/vocabulary.spm", "no model", "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_refused(folder, name, content, message):
    replace_file(folder, name, content)
    assert message in refusal(folder)


REFERENCES = {
    "ExternalLink": lambda group, name, _, other: group.__setitem__(
        name, h5py.ExternalLink(other, "/secret")
    ),
    "SoftLink": lambda group, name, *_: group.__setitem__(name, h5py.SoftLink("/secret")),
    "external Dataset": lambda group, name, old, other: group.create_dataset(
        name, old.shape, old.dtype, external=[(str(other), 0, old.nbytes)]
    ),
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_weights_that_stand_in_another_file_are_not_read(folder, tmp_path, kind):
    weights = folder / "model.weights.h5"
    with h5py.File(weights, "a") as file:
        names = []
        file.visit(lambda name: names.append(name) if hasattr(file[name], "shape") else None)
        old = file[names[0]][()]
        file["secret"] = old
        with h5py.File(tmp_path / "other", "w") as other:
            other["secret"] = old
        group, name = file[names[0]].parent, names[0].rpartition("/")[2]
        del group[name]
        REFERENCES[kind](group, name, old, tmp_path / "other")
    replace_file(folder, "model.weights.h5", weights.read_bytes())
    message = refusal(folder)
    assert "model.weights.h5 does not fit model.json" in message and kind in message


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
        assert archive.namelist() == sorted(FILES)
        for name in FILES - {"bundle.json"}:
            assert archive.read(name) == (folder / name).read_bytes()
    np.testing.assert_array_equal(predict(first), predict(folder))


def test_a_damaged_folder_is_not_packed(folder, tmp_path):
    (folder / "model.json").write_text("{}")
    with pytest.raises(BadInput, match=r"model\.json is not the file that was saved"):
        pack_bundle(folder, tmp_path / "a.zip", NO_DETAILS)
    assert list(tmp_path.glob("*.zip*")) == []


def repack(folder, archive, **files):
    pack({**{name: folder / name for name in FILES}, **files}, archive)
    return archive


def test_an_entry_beside_those_of_the_manifest_is_refused_and_never_written(folder, tmp_path):
    archive = repack(folder, tmp_path / "inner" / "a.zip", **{"../../evil": "text"})
    assert "files are not those that bundle.json names" in refusal(archive)
    edit_manifest(folder, lambda values: values["files"].update({"../../evil": "0" * 64}))
    archive = repack(folder, tmp_path / "inner" / "b.zip", **{"../../evil": "text"})
    assert "inside the bundle" in refusal(archive)
    assert not list(tmp_path.rglob("evil"))


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
        for path in sorted(FILES - {name}):
            target.write(folder / path, path)
    assert re.search("not the file that was saved|not those that", refusal(archive))
    assert not list(outside.iterdir())


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
        for name in sorted(FILES):
            target.write(folder / name, name)
    assert load_bundle(archive)
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes(whole[:middle] + bytes(50) + whole[middle + 50 :])
    assert "cannot be unpacked" in refusal(archive)
    pack({"\u00e9": "text"}, archive)
    archive.write_bytes(archive.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    assert "cannot be unpacked" in refusal(archive)


@pytest.mark.parametrize("proto", ["/etc/hostname", "../model.json", "gs://bucket/vocabulary.spm"])
def test_a_vocabulary_outside_the_bundle_is_not_read(folder, proto):
    config = json.loads((folder / "tokenizer/tokenizer.json").read_text())
    config["config"]["proto"] = proto
    replace_file(folder, "tokenizer/tokenizer.json", json.dumps(config))
    assert "outside of the model archive" in refusal(folder)


def test_an_archive_that_would_fill_the_disk_is_refused(folder, tmp_path, monkeypatch):
    archive = tmp_path / "a.zip"
    pack_bundle(folder, archive, NO_DETAILS)
    size = sum(map(len, contents(folder).values()))
    monkeypatch.setattr("preference.bundle_archive.LARGEST_BUNDLE", size + 1000)
    assert load_bundle(archive)
    monkeypatch.setattr("preference.bundle_archive.LARGEST_BUNDLE", size - 1000)
    assert "unpacked it is larger" in refusal(archive)


def evaluation(weights, **changes):
    estimates = {
        name: {"value": 0.111, "low": 0.1, "high": 0.2}
        for name in ("log_loss", "accuracy", "f1_macro", "flip_rate")
    }
    return {
        "rows": 1199,
        "groups": 1180,
        "averages_both_orders": False,
        "weights": {"small": weights},
        "models": {"small": {**estimates, "confusion": [[1]]}},
    } | changes


def test_the_card_of_a_packed_bundle_has_the_test_figures_of_these_weights_alone(folder, tmp_path):
    own = read_manifest(folder).files["model.weights.h5"]
    details = tmp_path / "details.json"
    archive = tmp_path / "a.zip"

    def packed_card(figures):
        details.write_text(json.dumps(figures))
        pack_bundle(folder, archive, details)
        bundle = load_bundle(archive)
        with zipfile.ZipFile(archive) as packed:
            return bundle.manifest.test, packed.read("README.md").decode()

    for foreign in (
        evaluation(["0" * 64]),
        evaluation([]),
        evaluation([own]) | {"weights": {}},
        {},
    ):
        tested, card = packed_card(foreign)
        assert tested is None and "1,199" not in card and "0.1110" not in card
    tested, card = packed_card(evaluation([own]))
    assert (tested.battles, tested.trainings) == (1199, 1)
    assert "1,199 test battles in 1,180 groups" in card
    assert "| accuracy | 0.1110 [0.1000, 0.2000] |" in card
    assert "means over" not in card
    tested, card = packed_card(evaluation([own, "0" * 64], averages_both_orders=True))
    assert "both orders averaged; means over 2 trainings, of which this is one" in card


def card_parts(card):
    metadata, body = re.fullmatch(r"---\n(.*?)^---\n(.*)", card, re.DOTALL | re.MULTILINE).groups()
    return yaml.safe_load(metadata), body


def test_the_hub_reads_the_cards_metadata(folder):
    metadata, _ = card_parts((folder / "README.md").read_text())
    assert metadata["library_name"] == "keras"
    assert metadata["license"] == "unknown"
    assert "simulated" in metadata["tags"]
    card = huggingface_hub.ModelCard.load(folder / "README.md", ignore_metadata_errors=False)
    results = {one.metric_type: one for one in card.data.eval_results}
    assert set(results) == {"log_loss", "accuracy", "f1"}
    assert results["accuracy"].metric_value == 0.5
    assert results["accuracy"].dataset_split == "calibration"


HOSTILE = [
    "<script>alert(1)</script>|[a](http://b)",
    "---\nlicense: mit\n---",
    "'\"{{ 7*7 }} {% raw %} # x: y",
    "two\n\n# lines",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_is_shown_as_text(hostile):
    plain, hostile_card = (
        render_card(small_manifest(name=name, parameters={"model": {"preset": name}}))
        for name in ("plain", hostile)
    )
    metadata, body = card_parts(hostile_card)
    expected, plain_body = card_parts(plain)
    assert metadata["model-index"][0]["name"] == hostile
    expected["model-index"][0]["name"] = hostile
    assert metadata == expected
    assert body.count("\n") == plain_body.count("\n")
    assert "<script" not in body.replace("\\<script", "")
    assert "](http" not in body
    rows = [line for line in body.splitlines() if line.startswith("| model.preset")]
    assert len(rows) == 1 and rows[0].replace("\\|", "").count("|") == 3


def test_a_card_says_what_it_is_of():
    simulated = render_card(small_manifest())
    real = render_card(small_manifest(simulated=False, parameters={"model": {"preset": "bert"}}))
    assert "Trained on simulated battles" in simulated
    assert "simulated" not in real
    assert "trained from scratch" in simulated and "trained from scratch" not in real
    assert "started from the preset bert" in real
    for card in (simulated, real):
        assert "1,234 parameters" in card
        assert f"epoch {FIGURES['best_epoch']} of {FIGURES['epochs']}" in card
        assert "10 calibration battles in 9 groups" in card
        assert "| log loss (nats, lower is better) | 0.5000 [0.4000, 0.6000] |" in card


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    estimates = {"log_loss": Estimate(1 / 3, -1e-17, 1e300)}
    tested = FiguresOnTest(battles=3, groups=2, trainings=1, both_orders=True, metrics=estimates)
    needed = ("README.md", "model.json", "model.weights.h5", "tokenizer/tokenizer.json")
    manifest = small_manifest(files=dict.fromkeys(needed, "0" * 64), test=tested)
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_a_presets_folder_on_this_machine_is_not_told(tmp_path):
    params = load_params(REPOSITORY / "params.yaml")
    for preset, told in {str(tmp_path / "mine"): "mine", "presets/mine": "presets/mine"}.items():
        changed = replace(params, model=replace(params.model, preset=preset))
        assert resolved_parameters(changed)["model"]["preset"] == told


def test_another_backend_is_told(folder, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(BadInput, match="set KERAS_BACKEND=tensorflow"):
        load_bundle(folder)
