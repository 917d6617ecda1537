"""The outputs of a tiny pipeline whose blend mixes two training runs and a reference."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from evaluation_inputs import (
    BATTLES,
    TOKENS,
    write_battles,
    write_params,
    write_predictions,
    write_references,
    write_training,
)
from simulated_models import make_predictions, probabilities_of, simulate
from small_bundle import PACKING, make_battles, small_network, small_tokenizer

from preference.battles.predictions import Predictions
from preference.config.experiment import read_index, write_experiments
from preference.config.params import load_params
from preference.models.saved_model import save_model
from preference.prediction.predictor import Predictor
from preference.sequences.packing import Packing
from preference.sources.row_parser import parse_conversations
from preference.tokenizers.tokenize import tokenize_conversations
from stages import blend, bundle, evaluate

COUNT, SEEDS = 400, (3, 4)
TEXTS = ("prompt", "response_a", "response_b")


def run_pipeline():
    """Write all inputs of `blend` and `evaluate`, with real networks, and run both stages.

    Returns:
        The test battles as `parse_conversations` returns them, and their labels.
    """
    battles = [parse_conversations(row) for row in make_battles(COUNT)]
    networks = dict(zip(SEEDS, make_networks(), strict=True))
    targets, _ = simulate(COUNT)
    predicted = {seed: predict(one, battles, targets.ids) for seed, one in networks.items()}
    targets = replace(targets, labels=draw_labels(battles, [*predicted.values()]))
    table = write_battles(targets)
    for name in TEXTS:
        texts = pa.array([battle[name] for battle in battles], table[name].type)
        table = table.set_column(table.column_names.index(name), table.field(name), texts)
    pq.write_table(table, BATTLES)
    write_params(SEEDS)
    edit_params("blend: auto", "blend: [baseline, length]")
    edit_params("resamples: 2000", "resamples: 100")
    write_references(table)
    small_tokenizer().save_to_preset(str(Path("data/tokens", TOKENS)))
    guess = make_predictions(targets.ids, np.zeros(COUNT))
    for entry in read_index():
        for seed in entry.seeds:
            is_real = entry.name == "baseline"
            save = (
                (lambda folder, seed=seed: save_model(networks[seed], folder)) if is_real else None
            )
            record = write_training(entry.name, seed, save=save)
            write_predictions(record, predicted[seed] if is_real else guess)
        bundle.main(entry.name)
    blend.main()
    evaluate.main()
    return battles[COUNT // 2 :], targets.labels[COUNT // 2 :]


def edit_params(old, new):
    """Change params.yaml, and configure it."""
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new))
    write_experiments(load_params())


def make_networks():
    """Return two networks that differ in their weights."""
    first = small_network()
    second = keras.models.clone_model(first)
    second.set_weights([0.8 * weights for weights in first.get_weights()])
    return first, second


def predict(network, battles, ids):
    packing = Packing(seq_len=512, turns=PACKING.turns)
    tokens = tokenize_conversations(battles, small_tokenizer())
    predictions = Predictor(network, packing).predict(tokens, tokens.battle_ids, lambda _: None)
    return Predictions(ids, predictions.probabilities, predictions.swapped)


def draw_labels(battles, predicted):
    """Draw labels of which half follow the networks, and half the lengths of the answers."""
    random = np.random.default_rng(5)
    lengths = [[len("\n".join(battle[name])) for name in TEXTS[1:]] for battle in battles]
    longer = np.subtract(*np.log1p(lengths).T)
    by_network = np.mean([one.probabilities for one in predicted], axis=0)
    truth = (by_network + probabilities_of(4 * longer)) / 2
    return (random.random((len(battles), 1)) > truth.cumsum(axis=1)[:, :2]).sum(axis=1)
