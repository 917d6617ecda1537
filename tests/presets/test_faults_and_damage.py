"""Files that cannot be used are the user's to fix; a fault of our own code is raised as it is."""

import json
import shutil

import keras_nlp
import pytest
from kagglehub.exceptions import CredentialError, DataCorruptionError, UnauthenticatedError
from repository import REPOSITORY
from requests import ConnectionError as NetworkError

from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.pretrained.backbones import load_backbone
from preference.runtime.errors import BadInput
from preference.tokenizers import hugging_face
from preference.tokenizers.tokenizer import load_preset_tokenizer
from profiles.architecture import build_untrained

FIXTURES = REPOSITORY / "tests/fixtures/hugging_face"
FAULTS = [TypeError, ValueError, KeyError, NameError, RuntimeError]


def keras_preset(folder):
    keras_nlp.models.DebertaV3Backbone(40, 1, 2, 8, 16, bucket_size=4).save_to_preset(str(folder))


PRESETS = {
    "keras": keras_preset,
    "deberta": lambda folder: shutil.copytree(FIXTURES / "deberta", folder),
}


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("make", PRESETS.values(), ids=PRESETS)
def test_a_fault_of_our_attention_layer_is_raised_as_it_is(tmp_path, monkeypatch, make, fault):
    make(tmp_path / "preset")
    monkeypatch.setattr(DisentangledSelfAttention, "build", raising(fault("our fault")))
    for load in (lambda preset: load_backbone(preset, vocabulary_size=1), build_untrained):
        with pytest.raises(fault, match="our fault") as caught:
            load(str(tmp_path / "preset"))
        assert not isinstance(caught.value, BadInput)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_our_tokenizer_is_raised_as_it_is(monkeypatch, fault):
    monkeypatch.setattr(hugging_face, "_without_special_pieces", raising(fault("our fault")))
    with pytest.raises(fault, match="our fault") as caught:
        load_preset_tokenizer(str(FIXTURES / "deberta"))
    assert not isinstance(caught.value, BadInput)


def test_a_fault_while_a_preset_is_downloaded_is_raised_as_it_is(monkeypatch):
    monkeypatch.setattr("kagglehub.model_download", raising(NameError("our fault")))
    with pytest.raises(NameError, match="our fault"):
        load_backbone("deberta_v3_extra_small_en", vocabulary_size=1)


@pytest.mark.parametrize(
    "error",
    [
        NetworkError("no route"),
        UnauthenticatedError(),
        CredentialError(),
        DataCorruptionError("hash"),
        ValueError("Invalid model handle"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_preset_that_kaggle_does_not_send_is_reported_with_advice(monkeypatch, error):
    monkeypatch.setattr("kagglehub.model_download", raising(error))
    for load in (lambda preset: load_backbone(preset, vocabulary_size=1), load_preset_tokenizer):
        with pytest.raises(BadInput, match=r"model\.preset: .* Check the name and the network"):
            load("deberta_v3_extra_small_en")


def test_a_disk_that_cannot_be_read_is_reported(monkeypatch):
    monkeypatch.setattr("kagglehub.model_download", raising(OSError(5, "Input/output error")))
    with pytest.raises(BadInput, match=r"cannot be loaded: .*Input/output error\. Check the disk"):
        load_backbone("deberta_v3_extra_small_en", vocabulary_size=1)


def with_config(**options):
    def change(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | options))

    return change


def cut(name):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


def without(key):
    def change(folder):
        config = json.loads((folder / "config.json").read_text())
        del config[key]
        (folder / "config.json").write_text(json.dumps(config))

    return change


@pytest.mark.parametrize(
    ("model", "damage", "message"),
    [
        ("deberta", cut("model.safetensors"), "model.safetensors cannot be used"),
        ("deberta", without("hidden_size"), "config.json cannot be used: KeyError"),
        ("deberta", without("vocab_size"), "config.json cannot be used: KeyError"),
        ("deberta", with_config(num_attention_heads=[2]), "config.json cannot be used: TypeError"),
        ("deberta", with_config(num_attention_heads=0), "config.json cannot be used: ZeroDivision"),
        ("deberta", with_config(model_type=["deberta-v2"]), "a model_type that is not a text"),
        ("bert", cut("model.safetensors"), "model.safetensors cannot be used"),
        ("bert", with_config(hidden_act=["gelu"]), "config.json cannot be used: TypeError"),
        ("bert", with_config(intermediate_size=8), "the weights cannot be used: ValueError"),
        ("bert", with_config(num_attention_heads=1000), "num_heads is larger than hidden_dim"),
    ],
)
def test_a_damaged_model_of_hugging_face_is_refused(tmp_path, model, damage, message):
    folder = shutil.copytree(FIXTURES / model, tmp_path / "preset")
    damage(folder)
    with pytest.raises(BadInput, match=f"cannot be loaded: .*{message}"):
        load_backbone(str(folder), vocabulary_size=1)


def test_a_damaged_tokenizer_of_hugging_face_is_refused(tmp_path):
    folder = shutil.copytree(FIXTURES / "deberta", tmp_path / "deberta")
    definition = json.loads((folder / "tokenizer.json").read_text())
    definition["model"]["vocab"] = "none"
    for content in (json.dumps(definition).encode(), b"\xff"):
        (folder / "tokenizer.json").write_bytes(content)
        with pytest.raises(BadInput, match=r"tokenizer\.json"):
            load_preset_tokenizer(str(folder))
    (folder / "spm.model").write_bytes(b"none")
    with pytest.raises(BadInput, match=r"spm\.model cannot be used"):
        load_preset_tokenizer(str(folder))
    folder = shutil.copytree(FIXTURES / "bert", tmp_path / "bert")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": "yes"}')
    with pytest.raises(BadInput, match="the tokenizer cannot be used: TypeError"):
        load_preset_tokenizer(str(folder))
