"""The bundle of a blend predicts what the report scored, and is refused where it is hostile."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from blended_pipeline import edit_params, run_pipeline
from sklearn import metrics as sklearn_metrics
from small_bundle import edit_manifest, refusal

from preference.bundle.manifest import read_manifest
from preference.bundle.pack import pack_bundle
from preference.judge.judge import PreferenceJudge
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from stages import blend, evaluate

DETAILS = Path("metrics/evaluation_details.json")
MEMBERS = {"members/baseline/seed-3", "members/baseline/seed-4"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The folder of a tiny pipeline, its test battles and their labels."""
    folder = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, *run_pipeline()


@pytest.fixture
def folder(pipeline, tmp_path):
    """A bundle that a test may damage."""
    return shutil.copytree(pipeline[0] / "models" / "blend", tmp_path / "blend")


@pytest.mark.parametrize("both_orders", [False, True])
def test_its_log_loss_on_the_test_battles_is_that_of_the_report(pipeline, both_orders):
    root, battles, labels = pipeline
    judge = PreferenceJudge.load(root / "models" / "blend", both_orders)
    answers = []
    loss = sklearn_metrics.log_loss(labels, judge.predict(battles, answers.append))
    blended = json.loads((root / DETAILS).read_text())["models"]["blend"]
    reported = blended["both_orders"] if both_orders else blended
    assert loss == pytest.approx(reported["log_loss"]["value"], abs=1e-6)
    # The random networks know little but the order, so that the average of both may leave them out.
    assert sum(answers) == 2 * len(battles) or both_orders


def test_it_mixes_both_training_runs_and_the_reference(folder):
    manifest = read_manifest(folder)
    assert set(manifest.members) == MEMBERS and set(manifest.references) == {"length"}
    length = manifest.references["length"].weight
    assert 0.2 < length.in_order < 1
    for weights in manifest.members.values():
        assert weights.in_order == pytest.approx((1 - length.in_order) / 2)
        assert weights.both_orders == pytest.approx((1 - length.both_orders) / 2)


def test_a_member_is_a_bundle_of_its_own(pipeline, folder):
    root, battles, _ = pipeline
    for member, alone in (("seed-3", "."), ("seed-4", "seed-4")):
        one = PreferenceJudge.load(folder / "members/baseline" / member)
        other = PreferenceJudge.load(root / "models/baseline" / alone)
        np.testing.assert_array_equal(one.predict(battles[:5]), other.predict(battles[:5]))


def test_it_is_packed_with_the_metrics_of_test_and_predicts_the_same(pipeline, folder, tmp_path):
    root, battles, _ = pipeline
    first, again = tmp_path / "first.zip", tmp_path / "again.zip"
    assert pack_bundle(folder, first, root / DETAILS)
    pack_bundle(folder, again, root / DETAILS)
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        card = archive.read("README.md").decode()
    blended = json.loads((root / DETAILS).read_text())["models"]["blend"]["log_loss"]["value"]
    assert "200 test battles" in card and f"{blended:.4f} [" in card
    np.testing.assert_array_equal(
        PreferenceJudge.load(first).predict(battles[:5]),
        PreferenceJudge.load(folder).predict(battles[:5]),
    )


def test_without_a_blend_the_stage_runs_and_its_bundle_says_so(pipeline, tmp_path, monkeypatch):
    work = shutil.copytree(pipeline[0], tmp_path / "work")
    monkeypatch.chdir(work)
    edit_params("blend: [baseline, length]", "blend: []")
    blend.main()
    assert json.loads(Path("data/blend.json").read_text()) == []
    assert "no blend, because evaluation.blend was empty" in refusal(Path("models/blend"))


def of_nothing(values):
    values["members"] = {}


def nested(values):
    name = next(iter(values["members"]))
    values["members"][f"{name}/{name}"] = values["members"].pop(name)


def weighed(weight):
    def change(values):
        next(iter(values["members"].values()))["in_order"] = weight

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (weighed(0.9), "its weights sum to 1."),
        (weighed(-0.1), "in_order"),
        (weighed(float("nan")), "the number NaN"),
        (weighed("0.5"), "in_order"),
        (of_nothing, "its weights sum to"),
        (nested, "members"),
        (lambda values: values["members"].update({"../x": {}}), "members"),
        (lambda values: values["files"].update({"../x": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"other/x": "0" * 64}), "of no member"),
        (lambda values: values["files"].clear(), "files is empty"),
        (lambda values: values["files"].pop("references/length.json"), "does not name references"),
        (lambda values: values["references"].update({"oracle": {}}), "references"),
        (lambda values: values.update(kind="other"), "kind"),
        (lambda values: values.update(format=3), "format 3"),
        (lambda values: values.update(simulated=False), "differ in simulated"),
        (lambda values: values.update(prior=[0.5, 0.5, 0.0]), "differ in prior"),
        (lambda values: values["calibration"]["in_order"].update(temperature=0), "temperature"),
    ],
)
def test_a_hostile_manifest_is_refused_in_one_line(folder, change, message):
    edit_manifest(folder, change)
    said = refusal(folder)
    assert message in said and "\n" not in said


def rehash(folder, name):
    edit_manifest(folder, lambda values: values["files"].update({name: hash_file(folder / name)}))


def test_a_missing_or_changed_member_is_refused(folder):
    weights = folder / "members/baseline/seed-3/model.weights.h5"
    content = weights.read_bytes()
    weights.unlink()
    assert "model.weights.h5 is missing" in refusal(folder)
    weights.write_bytes(content)
    (folder / "members/baseline/seed-3/tokenizer/assets/tokenizer/x").write_text("x")
    assert "does not name tokenizer/assets/tokenizer/x" in refusal(folder)


def test_a_blend_of_a_blend_is_refused(folder):
    member = folder / "members/baseline/seed-3/bundle.json"
    shutil.copyfile(folder / "bundle.json", member)
    rehash(folder, member.relative_to(folder).as_posix())
    assert "seed-3 is itself a blend" in refusal(folder)


def test_a_member_that_is_another_is_refused(folder):
    member = folder / "members/baseline/seed-3/bundle.json"
    shutil.copyfile(folder / "members/baseline/seed-4/bundle.json", member)
    rehash(folder, member.relative_to(folder).as_posix())
    assert "seed-3 is not the member that bundle.json names" in refusal(folder)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"tie": 0, "signed": [], "absolute": [], "terms": []}']
)
def test_a_damaged_reference_is_refused(folder, content):
    (folder / "references/length.json").write_text(content)
    rehash(folder, "references/length.json")
    assert "length.json" in refusal(folder)


def test_a_blend_that_is_too_large_is_refused_before_anything_is_read(folder, monkeypatch):
    monkeypatch.setattr("preference.bundle.blend_loading.LARGEST_BUNDLE", 1000)
    monkeypatch.setattr("preference.bundle.blend_loading.check_files", None)
    assert "and a bundle at most 1,000" in refusal(folder)


def test_an_older_blend_is_not_taken_for_that_of_the_evaluation(pipeline, folder, tmp_path):
    edit_manifest(folder, lambda values: values.update(fit="0" * 64))
    assert not pack_bundle(folder, tmp_path / "a.zip", pipeline[0] / DETAILS)


def test_a_damaged_folder_is_not_packed(folder, tmp_path):
    (folder / "references/length.json").write_text("{}")
    with pytest.raises(BadInput, match=r"length\.json is not the file that was saved"):
        pack_bundle(folder, tmp_path / "a.zip", Path("none"))


@pytest.fixture(scope="module")
def of_stack(pipeline, tmp_path_factory):
    """The folder of a pipeline whose blend is `stack` alone."""
    copy = shutil.copytree(pipeline[0], tmp_path_factory.mktemp("stack") / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        edit_params("blend: [baseline, length]", "blend: [stack]")
        blend.main()
        evaluate.main()
    return copy


def test_a_blend_of_stack_holds_its_parts_and_predicts_what_was_scored(pipeline, of_stack):
    _, battles, labels = pipeline
    folder = of_stack / "models/blend"
    files = {path.name for path in (folder / "references").iterdir()}
    assert files == {"stack.json", "tfidf.json", "features.safetensors"}
    predicted = PreferenceJudge.load(folder).predict(battles, lambda _: None)
    reported = json.loads((of_stack / DETAILS).read_text())["models"]["blend"]
    loss = sklearn_metrics.log_loss(labels, predicted)
    assert loss == pytest.approx(reported["log_loss"]["value"], abs=1e-6)
    # The labels depend on the lengths, which the features have.
    assert loss < sklearn_metrics.log_loss(labels, np.full(predicted.shape, 1 / 3)) - 0.02


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("features.safetensors", b"\x80\x04K\x01."),
        ("features.safetensors", safetensors.numpy.save({"roots": np.zeros(1, dtype="i4")})),
        ("stack.json", b'{"weights": {"tfidf": 2, "features": -1}}'),
        ("tfidf.json", b"{}"),
    ],
)
def test_a_damaged_part_of_stack_is_refused(of_stack, tmp_path, file, content):
    folder = shutil.copytree(of_stack / "models/blend", tmp_path / "blend")
    (folder / "references" / file).write_bytes(content)
    rehash(folder, f"references/{file}")
    assert f"{file} cannot be used: ValueError" in refusal(folder)
