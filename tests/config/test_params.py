"""`params.yaml` is checked once: each mistake is told with the key that holds it."""

from dataclasses import asdict

import pytest
from good_params import GOOD, MISSING, changed, load
from repository import REPOSITORY

from preference.config.params import load_params
from preference.runtime.errors import BadInput


def test_the_repository_has_valid_parameters_and_the_studys_arms():
    params = load_params(REPOSITORY / "params.yaml")
    assert {"baseline", "exp1", "exp2", "exp3"} <= set(params.experiments)
    # Its seeds are for the noise of training; it changes nothing of the model.
    assert params.experiments["baseline"] == {"train": {"seeds": 4}}
    changes = {name: params.experiment(name) for name in ("exp1", "exp2", "exp3")}
    assert all(one.train.optimizer == "adamw" for one in changes.values())
    assert changes["exp3"].model.head_units == [512, 256, 64]
    assert changes["exp3"].model.head_dropout == [0.3, 0.2, 0.1]


def test_values_are_read_as_written(tmp_path):
    assert asdict(load(tmp_path, GOOD)) == GOOD


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"typo": 1}, "unknown key typo"),
        ({"model.seqlen": 512}, "unknown key model.seqlen"),
        ({"data.simulated.count": 5}, "unknown key data.simulated.count"),
        ({"seed": MISSING}, "seed is missing"),
        ({"train": MISSING}, "train is missing"),
        ({"train.epochs": MISSING}, "train.epochs is missing"),
        ({"data.simulated.battles": MISSING}, "data.simulated.battles is missing"),
        ({"model.seq_len": "long"}, "model.seq_len"),
        ({"model.seq_len": 512.5}, "model.seq_len"),
        ({"model.seq_len": True}, "model.seq_len"),
        ({"model.seq_len": 4}, "model.seq_len"),
        ({"model.seq_len": None}, "model.seq_len"),
        ({"model.head_units": 512}, "model.head_units"),
        ({"model.pool": "max"}, "model.pool"),
        ({"model.head": "mlp"}, "head_units"),
        ({"model.head_units": [8]}, "head_units and head_dropout must be equally long"),
        ({"model.head_units": [8], "model.head_dropout": [0.1]}, "concat has no hidden layers"),
        (
            {"model.head": "mlp", "model.head_units": [8, 0], "model.head_dropout": [0, 0]},
            "model.head_units.1",
        ),
        (
            {"model.head": "mlp", "model.head_units": [8], "model.head_dropout": [1.0]},
            "model.head_dropout.0",
        ),
        ({"model": "deberta"}, "model"),
        ({"text.turns": "last"}, "text.turns"),
        ({"data.source": 7}, "data.source"),
        ({"data.source": ""}, "data.source"),
        ({"data.source": "data/extra/"}, "use another folder"),
        ({"data.extra": "data/extra/x.csv"}, "data.extra"),
        ({"data.extra": ["x.csv"]}, "data.extra.0: the file is not in data/extra"),
        (
            {"evaluation.known_prompts": ["x.csv"]},
            "evaluation.known_prompts.0: the file is not in data/known_prompts",
        ),
        ({"data.source": "a.csv", "data.extra": ["data/extra/../x.csv"]}, "not in data/extra"),
        ({"data.source": "a.csv", "data.extra": ["data/extra/deep/x.csv"]}, "not in data/extra"),
        ({"data.source": "a.csv", "data.extra": ["data/extra/x.csv"] * 2}, "a file twice"),
        ({"data.source": "data/extra/x.csv", "data.extra": ["data/extra/x.csv"]}, "a file twice"),
        ({"data.extra": ["data/extra/x.csv"]}, "extra adds to real battles"),
        ({"data.max_quarantined": 1.5}, "data.max_quarantined"),
        ({"data.simulated.length_scale": 0}, "data.simulated.length_scale"),
        ({"split.train": 0.6}, "split"),
        ({"split.test": 0}, "split.test"),
        ({"split.near_duplicates": "drop"}, "split.near_duplicates"),
        ({"split.folds": 0}, "split.folds: Input should be greater than or equal to 1"),
        ({"split.folds": "5"}, "split.folds: Input should be a valid integer"),
        ({"split.folds": 2.5}, "split.folds: Input should be a valid integer"),
        (
            {"split.folds": 5, "experiments.exp1.train.seeds": [7, 8, 9]},
            "experiments.exp1 has the list of train.seeds [7, 8, 9], and split.folds is 5",
        ),
        ({"split.folds": 5, "train.seeds": [1]}, "instead: train.seeds: 1."),
        ({"split.folds": 60, "train.seeds": 2}, "has 120 training runs, 60 for each repetition"),
        ({"train.optimizer": "sgd"}, "train.optimizer"),
        ({"train.weight_decay": 0.01}, "weight_decay needs optimizer: adamw"),
        ({"train.learning_rate": -0.1}, "train.learning_rate"),
        ({"train.learning_rate": "fast"}, "train.learning_rate"),
        ({"train.warmup_share": 1.1}, "train.warmup_share"),
        ({"train.lora_rank": 0}, "train.lora_rank: Input should be greater than or equal to 1"),
        ({"train.lora_rank": 4.5}, "train.lora_rank: Input should be a valid integer"),
        ({"train.lora_rank": 4, "train.freeze": 2}, "lora_rank freezes the whole backbone"),
        ({"train.weight_average": 1}, "train.weight_average: Input should be less than 1"),
        ({"train.weight_average": 0}, "train.weight_average: Input should be greater than 0"),
        ({"train.weight_average": "ema"}, "train.weight_average"),
        ({"train.seeds": [1, 1]}, "the same seed twice"),
        ({"train.seeds": [-1]}, "train.seeds"),
        ({"train.seeds": 0}, "train.seeds"),
        ({"train.seeds": "3"}, "train.seeds"),
        ({"evaluation.resamples": 10}, "evaluation.resamples"),
        ({"evaluation.resamples": 2**60}, "evaluation.resamples"),
        ({"experiments": {}}, "experiments: there are none"),
        ({"evaluation.blend": "exp1"}, "evaluation.blend"),
        ({"evaluation.blend": ["auto", 1]}, "evaluation.blend"),
        ({"train.tokens_per_batch": 0}, "train.tokens_per_batch"),
        ({"train.precision": "float64"}, "train.precision"),
        ({"train.jit": "yes"}, "train.jit"),
        ({"train.backend": "torch"}, "train.backend"),
        ({"train.distribution": "model_parallel"}, "train.distribution"),
        ({"train.distribution": "data_parallel"}, "data_parallel needs backend: jax"),
        ({"train.backend": "jax", "train.jit": False}, "jax compiles every step"),
        ({"train.checkpoint_minutes": 0}, "train.checkpoint_minutes"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"tokenizer.vocabulary_size": 10}, "tokenizer.vocabulary_size"),
        ({"reference.trees.number": 10_001}, "reference.trees.number"),
        ({"reference.trees.min_leaf": 0}, "reference.trees.min_leaf"),
        ({"reference.trees.max_features": 1.5}, "reference.trees.max_features"),
        ({"experiments.exp1.model.sequence": 9}, "unknown key experiments.exp1.model.sequence"),
        ({"experiments.exp1.model.seq_len": 4}, "experiments.exp1.model.seq_len"),
        ({"experiments.exp1.train.optimizer": "adam"}, "experiments.exp1.train"),
        ({"experiments.new.model.head": "mlp"}, "experiments.new.model"),
        ({"experiments.exp1.data.source": "x.csv"}, "experiments.exp1.data"),
        ({"experiments.exp1": None}, "experiments.exp1"),
        ({"experiments.exp1": "adamw"}, "experiments.exp1"),
        ({"experiments.exp1-2": {}}, "'exp1-2' cannot be a name"),
        ({"experiments.blend": {}}, "'blend' cannot be a name"),
        # Each has a file or a folder beside those of the experiments.
        ({"experiments.weights": {}}, "'weights' cannot be a name"),
        ({"experiments.index": {}}, "'index' cannot be a name"),
        ({"experiments.presets": {}}, "'presets' cannot be a name"),
        ({"experiments.exp1.train.checkpoint_minute": 1}, "exp1.train.checkpoint_minute"),
    ],
)
def test_a_mistake_is_named(tmp_path, changes, named):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, changed(changes))
    assert named in str(caught.value)
    assert "params.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "key, value",
    [
        ("train.learning_rate", True),
        ("train.label_smoothing", False),
        ("train.learning_rate", float("inf")),
        ("data.simulated.length_scale", float("inf")),
    ],
)
def test_a_switch_or_an_infinity_is_no_number(tmp_path, key, value):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, changed({key: value}))
    assert key in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, changed({"model.seq_len": 4, "typo": 1, "train.epochs": 0}))
    assert all(key in str(caught.value) for key in ("model.seq_len", "typo", "train.epochs"))


def test_fractions_are_reported_with_their_sum(tmp_path):
    with pytest.raises(BadInput, match=r"split: the four fractions sum to 0\.9, not to 1"):
        load(tmp_path, changed({"split.train": 0.6}))


@pytest.mark.parametrize("text", ["seed: [1", "a: b: c", "seed: 1\n\tdata: 2\n", "{"])
def test_not_yaml(tmp_path, text):
    with pytest.raises(BadInput, match=r"params\.yaml is not valid YAML"):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["", "- seed", "just words", "42"])
def test_yaml_that_is_no_mapping(tmp_path, text):
    with pytest.raises(BadInput, match=r"params\.yaml has no keys at its top"):
        load(tmp_path, text)


def test_not_utf8(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"seed: \xff\xfe\n")
    with pytest.raises(BadInput, match=r"params\.yaml"):
        load_params(tmp_path / "params.yaml")


def test_missing_file(tmp_path):
    with pytest.raises(BadInput, match=r"absent\.yaml does not exist: run from"):
        load_params(tmp_path / "absent.yaml")


@pytest.mark.parametrize("written", ["1e-3", "1.0e-3", "0.001", "1E-3", ".001"])
def test_a_rate_may_be_written_as_one_does(tmp_path, written):
    text = (REPOSITORY / "params.yaml").read_text()
    text = text.replace("learning_rate: 0.003", f"learning_rate: {written}")
    assert load(tmp_path, text).train.learning_rate == 0.001


def test_whole_numbers_are_good_floats(tmp_path):
    params = load(tmp_path, changed({"data.simulated.length_scale": 1}))
    assert params.data.simulated.length_scale == 1.0
