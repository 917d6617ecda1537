"""An architecture is built from a configuration of another origin only where it is one of ours."""

import json
import os
import re
import shutil

import keras_nlp
import pytest
from hostile_objects import PLANTED, inside
from repository import REPOSITORY

from preference.presets.resolve import TRAINED_FROM_SCRATCH
from preference.runtime.errors import BadInput
from profiles.architecture import build_untrained

FIXTURES = REPOSITORY / "tests/fixtures/hugging_face"
HUGE = 2**31 - 1


def refusal(folder):
    with pytest.raises(BadInput) as caught:
        build_untrained(str(folder))
    # What was refused leaves nothing behind that the next model would be given.
    build_untrained(TRAINED_FROM_SCRATCH[0])
    return str(caught.value)


@pytest.fixture(params=["deberta", "bert"])
def hugging_face(request, tmp_path):
    folder = tmp_path / "preset"
    folder.mkdir()
    shutil.copy(FIXTURES / request.param / "config.json", folder)
    return folder


def change(folder, **options):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **options}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_hidden_layers": 100_000}, "num_layers: .* 64"),
        ({"num_hidden_layers": "2"}, "num_layers: .* valid integer"),
        ({"intermediate_size": 2**31}, "intermediate_dim: .* less than"),
        ({"vocab_size": HUGE, "intermediate_size": HUGE}, r"take [\d,]{12,} bytes, and .* free\."),
        ({"model_type": "whisper"}, "no converter for model_type 'whisper'"),
        ({"type_vocab_size": 7}, "type_vocab_size is 7, and only"),
    ],
)
def test_what_hugging_faces_configuration_may_not_ask_for(hugging_face, options, message):
    change(hugging_face, **options)
    assert re.search(message, refusal(hugging_face))


def test_a_configuration_that_is_no_file_of_its_size_is_refused(hugging_face):
    os.truncate(hugging_face / "config.json", 3 * 2**30)
    assert "config.json has 3,221,225,472 bytes" in refusal(hugging_face)


@pytest.fixture(scope="module")
def stock():
    """What keras-hub writes of a backbone."""
    backbone = keras_nlp.models.DebertaV3Backbone(40, 1, 2, 8, 16, bucket_size=4)
    return {
        "module": "keras_hub.src.models.deberta_v3.deberta_v3_backbone",
        "class_name": "DebertaV3Backbone",
        "config": backbone.get_config(),
        "registered_name": "keras_hub>DebertaV3Backbone",
    }


def write(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_backbone_of_keras_hub_is_built_in_its_size(stock, tmp_path):
    built = build_untrained(str(write(tmp_path, stock)))
    assert (built.vocabulary_size, built.hidden_dim, built.num_layers) == (40, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "/etc/hostname"}, "has no argument 'path'"),
        ({"num_layers": 65}, "num_layers: .* 64"),
        ({"vocabulary_size": HUGE, "intermediate_dim": HUGE}, "of memory are free"),
    ],
)
def test_what_a_configuration_of_keras_hub_may_not_ask_for(stock, tmp_path, arguments, message):
    config = {**stock, "config": {**stock["config"], **arguments}}
    assert re.search(message, refusal(write(tmp_path, config)))


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: str(one.get("class_name")))
def test_a_configuration_that_holds_code_is_refused(tmp_path, planted):
    for config in (planted, inside(planted)):
        assert re.search("may hold code|no object of Keras", refusal(write(tmp_path, config)))


def test_a_class_that_none_of_our_models_has_is_refused(tmp_path):
    config = {"module": "keras_hub", "class_name": "FNetBackbone", "config": {}}
    config["registered_name"] = "keras_hub>FNetBackbone"
    assert "'FNetBackbone'" in refusal(write(tmp_path, config))
