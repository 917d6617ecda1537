"""What a long run will take is told before it starts."""

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import keras_nlp
import numpy as np
import pytest
from kagglehub.cache import Cache
from kagglehub.handle import parse_model_handle
from local_hub import serving
from local_server import free_port
from repository import REPOSITORY
from study_params import write_study_params

from arena55k import pin
from preference.config.params import load_params
from preference.models.pretrained.backbones import SMALL_CONFIGURATIONS, load_backbone
from preference.presets.hub import download_preset
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.training.dataset import BatchSampler
from profiles import plan, timing
from profiles.architecture import build_untrained
from profiles.cost import CPU, Timing, training_hours
from profiles.downloads import Download, list_downloads
from profiles.profile_parameters import check_profile, merged_params

DEBERTA = REPOSITORY / "tests/fixtures/hugging_face/deberta"
BERT = REPOSITORY / "tests/fixtures/hugging_face/bert"


@pytest.fixture
def params(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    return load_params()


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_ASSETS_CACHE"):
        monkeypatch.setattr(huggingface_hub.constants, name, str(tmp_path / name))
    return tmp_path


def with_preset(params, preset):
    """These parameters with one experiment, of a preset."""
    return replace(params, model=replace(params.model, preset=preset), experiments={"baseline": {}})


def with_source(params, source):
    return replace(params, data=replace(params.data, source=source))


def test_the_profile_of_the_study_downloads_battles_and_two_presets(monkeypatch, empty_cache):
    monkeypatch.chdir(REPOSITORY)
    with merged_params(check_profile("arena55k")) as file:
        downloads = list_downloads(load_params(file))
    presets = keras_nlp.models.DebertaV3Backbone.presets
    expected = {"train.csv of lmarena-ai/arena-human-preference-55k": 184_175_071}
    for name in ("deberta_v3_extra_small_en", "deberta_v3_small_en"):
        expected[name] = 4 * presets[name]["metadata"]["params"]
    assert {one.what: one.size for one in downloads} == expected
    assert not any(one.cached for one in downloads)


def test_the_default_and_presets_on_this_machine_download_nothing(params):
    assert list_downloads(params) == []
    assert list_downloads(with_preset(params, str(DEBERTA))) == []


def test_what_is_in_the_cache_is_not_downloaded(params, empty_cache):
    params = with_source(params, "arena55k")
    assert [one.cached for one in list_downloads(params)] == [False]
    # To ask makes nothing.
    assert list(empty_cache.iterdir()) == []
    committed = pin.read_pin()
    key = ("arena55k", committed.repository, committed.revision)
    folder = huggingface_hub.cached_assets_path(*key, assets_dir=empty_cache / "HF_ASSETS_CACHE")
    (folder / committed.file).write_bytes(b"")
    assert [one.cached for one in list_downloads(params)] == [True]


def test_kaggle_says_nothing_before_it_begins(params):
    (battles,) = list_downloads(with_source(params, "kaggle"))
    assert battles.size is None
    assert plan.describe_downloads([battles])[1].endswith("of unknown size")


@pytest.fixture
def hub_here(empty_cache, tmp_path, monkeypatch):
    """A hub with a repository that has weights for several libraries."""
    repository = shutil.copytree(DEBERTA, tmp_path / "repository")
    (repository / "pytorch_model.bin").write_bytes(b"not needed")
    (repository / "README.md").write_bytes(b"not needed")
    with serving({"tiny/deberta": repository}) as (hub, address):
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub


def test_a_repository_of_the_hub_is_sized_and_then_found_in_the_cache(params, hub_here):
    params = with_preset(params, "hf://tiny/deberta")
    (repository,) = list_downloads(params)
    assert repository.size == sum(file.stat().st_size for file in DEBERTA.iterdir())
    assert hub_here.downloaded == []
    download_preset("hf://tiny/deberta")
    (repository,) = list_downloads(params)
    assert repository.cached


@pytest.mark.parametrize("handle", ["hf://tiny/none", "hf://a/b/c"])
def test_what_the_hub_refuses_has_no_size(params, hub_here, handle):
    assert list_downloads(with_preset(params, handle)) == [Download(handle, None)]


def test_without_a_network_there_is_no_size(params, empty_cache, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert list_downloads(with_preset(params, "hf://tiny/deberta")) == [
        Download("hf://tiny/deberta", None)
    ]


def test_a_preset_in_the_cache_of_kaggle_is_found(params, empty_cache, tmp_path, monkeypatch):
    params = with_preset(params, "deberta_v3_extra_small_en")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    assert [one.cached for one in list_downloads(params)] == [False]
    registered = keras_nlp.models.Backbone.presets["deberta_v3_extra_small_en"]
    handle = parse_model_handle(registered["kaggle_handle"].removeprefix("kaggle://"))
    file = Path(Cache().get_path(handle, "model.weights.h5"))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    Cache().mark_as_complete(handle, file.name)
    assert [one.cached for one in list_downloads(params)] == [True]


@pytest.mark.parametrize("preset", ["hf://tiny/deberta", str(DEBERTA), str(BERT)])
def test_the_architecture_is_that_of_the_loaded_preset(preset, hub_here):
    untrained = build_untrained(preset)
    assert not [name for name in hub_here.downloaded if name != "config.json"]
    loaded = load_backbone(preset, vocabulary_size=1)
    assert [weight.shape for weight in untrained.weights] == [
        weight.shape for weight in loaded.weights
    ]


def test_a_preset_whose_configuration_cannot_be_had(hub_here):
    with pytest.raises(BadInput, match=r"model\.preset.*'hf://tiny/none'.*Check the name"):
        build_untrained("hf://tiny/none")


def test_hours_are_those_of_all_visits(params):
    """Each battle of train thrice, of valid thrice, of calibration and of test once."""
    params = replace(params, train=replace(params.train, epochs=3, seeds=[1, 2]))
    spent = Timing(device="a GPU", train_seconds=0.5, predict_seconds=0.25)
    battles = 7200
    split = params.split
    visits = 3 * split.train * 0.5 + (3 * split.valid + split.calibration + split.test) * 0.25
    assert training_hours(params, spent, battles) == pytest.approx(2 * 2 * visits)


def test_full_batches_of_each_length_stand_for_a_third_each(params):
    params = replace(
        params,
        model=replace(params.model, seq_len=512),
        train=replace(params.train, tokens_per_batch=8192),
    )
    groups = timing.full_batches(params)
    counts = [32, 10, 8]
    assert np.bincount(groups).tolist() == counts
    battles = timing.random_battles(groups, params, vocabulary_size=100)
    batches = BatchSampler(battles, params.train.tokens_per_batch, seed=1).batches(0)
    assert sorted(map(len, batches)) == sorted(counts)
    assert battles.side_lengths.tolist() == [
        [min(length, 512)] * 2
        for length, count in zip(timing.LENGTHS, counts, strict=True)
        for _ in range(count)
    ]
    # Batches that take 1, 2 and 3 seconds a battle: 2 for the mean battle.
    spent = [(count * (group + 1.0), np.full(count, group)) for group, count in enumerate(counts)]
    assert timing._mean_battle(spent, groups) == pytest.approx(2)


def test_a_small_experiment_is_timed(params):
    params = replace(
        with_preset(params, "deberta_v3_tiny"),
        model=replace(params.model, preset="deberta_v3_tiny", seq_len=32),
        train=replace(params.train, tokens_per_batch=256),
    )
    found = timing.time_experiment(params)
    assert found.device == timing.device_name()
    assert min(found.train_seconds, found.predict_seconds) > 0


def test_experiments_of_like_cost_share_a_timing(monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    timed = []
    monkeypatch.setattr(plan, "_time_experiment", lambda file, name, _: timed.append(name) or name)
    with merged_params(check_profile("arena55k"), write_study_params(tmp_path)) as file:
        timings = plan.time_experiments(load_params(file), file)
    # exp2 alone has another preset and length.
    assert timed == ["baseline", "exp2"]
    assert timings == dict.fromkeys(("baseline", "exp1", "exp3"), "baseline") | {"exp2": "exp2"}


@pytest.fixture
def long_run(tmp_path, monkeypatch):
    """Parameters of a run that would take long, and timings as given."""
    monkeypatch.chdir(REPOSITORY)
    file = write_study_params(tmp_path) / "params.yaml"
    values = read_yaml(file)
    values["data"]["source"] = "arena55k"
    values["train"]["threads"] = None
    write_yaml(file, values)

    def tell(device, force):
        spent = dict.fromkeys(values["experiments"], Timing(device, 0.5, 0.1))
        monkeypatch.setattr(plan, "time_experiments", lambda params, file: spent)
        plan.report_plan(file, force)

    return tell


@pytest.mark.parametrize(("device", "force"), [("A GPU", False), (CPU, True)])
def test_a_run_on_a_gpu_or_by_force_goes_on(long_run, empty_cache, device, force, capsys):
    long_run(device, force)
    output = capsys.readouterr().out
    params = load_params()
    params = replace(params, train=replace(params.train, threads=None))
    hours = training_hours(params, Timing(device, 0.5, 0.1), 57_477)
    assert f"Device: {device}." in output
    assert f"- exp1: 2.0 battles/s of training, about {hours:.1f} hours." in output
    # The baseline is trained four times, the three others twice.
    assert f"Together about {5 * hours:.1f} hours for 57,477 battles." in output
    assert "- train.csv of lmarena-ai/arena-human-preference-55k: 0.2 GB" in output


def test_without_a_gpu_it_asks_for_force(long_run, empty_cache):
    with pytest.raises(BadInput, match=r"no GPU.*make arena55k FORCE=1"):
        long_run(CPU, force=False)


def test_a_short_run_on_a_users_file_needs_no_gpu(tmp_path, empty_cache, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(2))
    votes = tmp_path / "votes.csv"
    rows = [f"question {number},one,two,A" for number in range(360)]
    votes.write_text("\n".join(["prompt,response_a,response_b,winner", *rows]))
    profile = {**check_profile("few-votes"), "data": {"source": str(votes)}}
    with merged_params(profile, write_study_params(tmp_path)) as file:
        spent = dict.fromkeys(load_params(file).experiments, Timing(CPU, 0.5, 0.1, 3 * 10**9))
        monkeypatch.setattr(plan, "time_experiments", lambda params, file: spent)
        plan.report_plan(file, force=False)
        # In each of five folds, 216 votes are seen five times, and 36 are predicted as often.
        hours = (216 * 5 * 0.5 + (36 * 5 + 36 + 72) * 0.1) / 3600
        output = capsys.readouterr().out
        # Two at once: ten runs of the baseline, and five of each of the three others.
        assert f"Together about {(5 + 3 * 3) * hours:.1f} hours for 360 battles." in output
        assert "these steps took 3.0 GB" in output
        votes.write_text("\n".join(["prompt,response_a,response_b,winner", *(10 * rows)]))
        with pytest.raises(BadInput, match="no GPU"):
            plan.report_plan(file, force=False)


def test_a_disk_that_is_too_small_stops_the_run(long_run, empty_cache, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10_000_000))
    with pytest.raises(BadInput, match=r"10 MB of disk, and about 0\.2 GB are needed.*HF_HOME"):
        long_run("A GPU", force=False)


def test_the_weights_of_our_small_configurations_cost_no_download():
    for preset in SMALL_CONFIGURATIONS:
        assert build_untrained(preset).vocabulary_size == 2000
