"""A model card says what was measured, and shows names as text."""

import json
import re
import zipfile
from dataclasses import replace

import huggingface_hub
import pytest
import yaml
from rendered_markdown import HOSTILE as MARKUP
from rendered_markdown import parse
from ruamel.yaml import YAML
from small_bundle import METRICS, PARAMETERS, small_manifest, write_bundle

from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest
from preference.bundle.model_card import SHOWN_METRICS, render_card
from preference.bundle.pack import pack_bundle
from preference.runtime.errors import BadInput
from preference.statistics.calibration import MEASURED, Calibrated, Calibration
from preference.statistics.cluster_bootstrap import Estimate

FIGURES_SHOWN = ("log_loss", "accuracy", "f1_macro", "flip_rate")


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "models" / "small")


def evaluation(weights, **changes):
    estimates = {name: {"value": 0.111, "low": 0.1, "high": 0.2} for name in FIGURES_SHOWN}
    estimates["flip_rate"] |= {"low": None, "high": None}
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
    assert (
        "| flip rate: fraction of winners that change with the order | 0.1110 (no interval) |"
        in card
    )
    assert "means over" not in card
    tested, card = packed_card(evaluation([own, "0" * 64], averages_both_orders=True))
    assert "both orders averaged; means over 2 training runs, including this one" in card


@pytest.mark.parametrize(
    "change",
    [
        {"rows": True},
        {"rows": -5},
        {"groups": 2000},
        {"averages_both_orders": "no"},
        {"weights": None},
        {"models": {"small": {}}},
        {"models": {"small": {key: {"value": 9, "low": 1, "high": 0} for key in FIGURES_SHOWN}}},
    ],
)
def test_figures_that_cannot_be_are_not_put_on_a_card(folder, tmp_path, change):
    own = read_manifest(folder).files["model.weights.h5"]
    details = tmp_path / "details.json"
    details.write_text(json.dumps(evaluation([own]) | change))
    with pytest.raises(BadInput, match=r"details.json is damaged \(.*dvc repro evaluate"):
        pack_bundle(folder, tmp_path / "a.zip", details)
    assert not (tmp_path / "a.zip").exists()


def card_parts(card):
    metadata, body = re.fullmatch(r"---\n(.*?)^---\n(.*)", card, re.DOTALL | re.MULTILINE).groups()
    values = yaml.safe_load(metadata)
    assert YAML(typ="safe").load(metadata) == values
    return values, body


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


def with_preset(preset, **changes):
    model = PARAMETERS["model"] | {"preset": preset}
    return small_manifest(parameters=PARAMETERS | {"model": model}, **changes)


HOSTILE = [
    "<script>alert(1)</script>|[a](http://b)",
    "'\"{{ 7*7 }} {% raw %} # x: y",
    "1e3",
    "0o17",
    "yes",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_preset_is_shown_as_text(hostile):
    plain, hostile_card = (render_card(with_preset(name)) for name in ("plain", hostile))
    metadata, body = card_parts(hostile_card)
    expected, plain_body = card_parts(plain)
    assert metadata == expected
    assert body.count("\n") == plain_body.count("\n")
    assert "<script" not in body.replace("\\<script", "")
    assert "](http" not in body.replace("\\]", "")
    rows = [line for line in body.splitlines() if line.startswith("| model.preset")]
    assert len(rows) == 1 and rows[0].replace("\\|", "").count("|") == 3


def test_a_manifest_has_all_that_a_card_shows():
    assert set(SHOWN_METRICS) == MEASURED


def test_a_card_says_where_a_figure_has_no_interval_and_a_temperature_is_no_best_one():
    metrics = {name: Estimate(0.5, None, None) for name in FIGURES_SHOWN}
    calibration = Calibration(
        battles=10,
        groups=2,
        in_order=Calibrated(temperature=20.0, metrics=metrics),
        both_orders=Calibrated(temperature=1.1, metrics=metrics),
    )
    manifest = small_manifest(calibration=calibration)
    card = render_card(manifest)
    assert "| accuracy | 0.5000 (no interval) | 0.5000 (no interval) |" in card
    assert "its battles are worth fewer than 30 groups" in card
    assert "**The temperature for answers as given is 20.00, the largest that is tried" in card
    assert "The temperature for both orders" not in card
    assert "smallest" not in render_card(small_manifest())


def test_a_card_says_that_log_loss_of_soft_labels_is_a_cross_entropy():
    hard = small_manifest()
    soft = replace(hard, calibration=replace(hard.calibration, soft_labels=1234))
    assert "1,234 of these battles have soft labels. Their log loss is the cross-" in render_card(
        soft
    )
    assert "soft" not in render_card(hard)


def test_a_card_says_what_it_is_of():
    simulated = render_card(small_manifest())
    real = render_card(with_preset("bert", simulated=False))
    assert "Trained on simulated battles" in simulated
    assert "simulated" not in real
    assert "trained from scratch" in simulated and "trained from scratch" not in real
    assert "started from the preset bert" in real
    for card in (simulated, real):
        assert "1,234 parameters" in card
        assert f"epoch {METRICS['best_epoch']} of {METRICS['epochs']}" in card
        assert "10 calibration battles in 9 groups" in card
        assert "| log loss (nats, lower is better) | 0.5000 [0.4000, 0.6000] |" in card


@pytest.mark.parametrize("text", MARKUP)
def test_a_hostile_parameter_is_no_markup(text):
    # A manifest with other characters is refused.
    shown = "".join(character if character.isprintable() else "?" for character in text)

    def kinds(value):
        types, _ = parse(card_parts(render_card(with_preset(value)))[1])
        return [kind for kind in types if kind not in ("text", "softbreak")]

    assert kinds(shown) == kinds("plain")
