"""Presets of a hub: downloaded once, used without network, and refused in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from local_hub import serving
from repository import REPOSITORY

from preference.models.pretrained.backbones import load_backbone
from preference.runtime.errors import BadInput
from preference.tokenizers.tokenizer import load_preset_tokenizer

FIXTURES = REPOSITORY / "tests/fixtures/hugging_face"
SCRIPT = """
import sys
from preference.runtime.errors import exit_on_bad_input
from preference.presets.hub import download_preset
with exit_on_bad_input():
    print(download_preset(sys.argv[1]))
"""
# Nothing listens there.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository as they are: with weights for several libraries."""
    folder = tmp_path_factory.mktemp("repository") / "both"
    shutil.copytree(FIXTURES / "deberta", folder)
    for name in ("pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not needed")
    return folder


@pytest.fixture
def download(tmp_path):
    """Download in a process of its own, for huggingface_hub reads its variables when imported."""

    def run(handle, endpoint, **variables):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), **variables}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, handle],
            cwd=REPOSITORY,
            env=kept | environment,
            text=True,
            capture_output=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr[-2000:]
        return done.stdout.strip() if done.returncode == 0 else done.stderr.splitlines()[-1]

    return run


def test_only_what_is_needed_is_downloaded_and_only_once(repository, download):
    with serving({"tiny/both": repository}) as (hub, address):
        folder = Path(download("hf://tiny/both", address))
        first = sorted(hub.downloaded)
        assert Path(download("hf://tiny/both", address)) == folder
        assert sorted(hub.downloaded) == first
    assert first == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    for name in first:
        assert (folder / name).read_bytes() == (repository / name).read_bytes()


def test_a_pickle_is_never_downloaded(download, tmp_path):
    repository = shutil.copytree(FIXTURES / "deberta", tmp_path / "repository")
    (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
    with serving({"tiny/torch": repository}) as (hub, address):
        download("hf://tiny/torch", address)
    assert "config.json" in hub.downloaded
    assert "pytorch_model.bin" not in hub.downloaded


def test_the_token_is_sent(repository, download):
    with serving({"tiny/both": repository}) as (hub, address):
        download("hf://tiny/both", address, HF_TOKEN="hf_secret")
    assert hub.tokens == {"Bearer hf_secret"}


@pytest.mark.parametrize("offline", [{}, {"HF_HUB_OFFLINE": "1"}], ids=["no answer", "offline"])
def test_without_a_network_the_cache_is_used(repository, download, offline):
    with serving({"tiny/both": repository}) as (_, address):
        folder = download("hf://tiny/both", address)
    assert download("hf://tiny/both", NOWHERE, **offline) == folder


@pytest.mark.parametrize("offline", [{}, {"HF_HUB_OFFLINE": "1"}], ids=["no answer", "offline"])
def test_without_network_and_cache(download, offline):
    message = download("hf://tiny/both", NOWHERE, **offline)
    assert "not in the cache" in message
    assert "HF_HUB_OFFLINE" in message
    assert "folder" in message


def test_without_network_and_with_half_a_cache(repository, download):
    with serving({"tiny/both": repository}) as (_, address):
        folder = Path(download("hf://tiny/both", address))
    (folder / "model.safetensors").unlink()
    assert "not in the cache as a whole" in download("hf://tiny/both", NOWHERE)


REFUSALS = {
    401: ["refuses", "name", "HF_TOKEN", "terms"],
    403: ["refuses", "HF_TOKEN", "terms"],
    404: ["no such repository", "name"],
    429: ["fewer requests", "Wait", "HF_TOKEN", "HF_HUB_OFFLINE"],
    503: ["answers with an error", "later", "folder"],
}


@pytest.mark.parametrize("status", REFUSALS)
def test_what_the_hub_refuses_is_told_with_what_to_do(download, status):
    with serving({"tiny/both": status}) as (_, address):
        message = download("hf://tiny/both", address)
    assert message.startswith("error: ")
    for words in REFUSALS[status]:
        assert words in message


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_what_is_in_the_cache_is_used_though_the_hub_refuses(repository, download, status):
    with serving({"tiny/both": repository}) as (hub, address):
        folder = download("hf://tiny/both", address)
        hub.repositories["tiny/both"] = status
        assert download("hf://tiny/both", address) == folder


@pytest.mark.parametrize("handle", ["hf://", "hf://a/b/c", "hf://a b"])
def test_a_handle_of_another_form(download, handle):
    message = download(handle, NOWHERE)
    assert repr(handle) in message
    assert "hf://organization/name" in message


@pytest.fixture
def hub_here(tmp_path, monkeypatch):
    """A hub for this process, and a keras-hub preset and a Hugging Face one in it."""
    preset = tmp_path / "keras"
    load_backbone(str(FIXTURES / "deberta"), vocabulary_size=1).save_to_preset(str(preset))
    repositories = {"tiny/deberta": FIXTURES / "deberta", "tiny/keras": preset}
    with serving(repositories) as (hub, address):
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


@pytest.mark.parametrize("name", ["deberta", "keras"])
def test_a_backbone_of_either_format_comes_from_the_hub(hub_here, name):
    expected = load_backbone(str(FIXTURES / "deberta"), vocabulary_size=1)
    loaded = load_backbone(f"hf://tiny/{name}", vocabulary_size=1)
    for ours, theirs in zip(loaded.get_weights(), expected.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_tokenizer_comes_from_the_hub(hub_here):
    loaded = load_preset_tokenizer("hf://tiny/deberta")
    local = load_preset_tokenizer(str(FIXTURES / "deberta"))
    assert loaded(["the soup"]) == local(["the soup"])


def test_the_message_names_the_parameter(hub_here):
    with pytest.raises(BadInput, match=r"model\.preset: 'hf://tiny/none' cannot .*no such repo"):
        load_preset_tokenizer("hf://tiny/none")
