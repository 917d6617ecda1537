"""Train one experiment: the shared parameters with its few overrides.

    python -m stages.train exp1

Reads data/tokens/ and the train and valid splits; writes models/<experiment>/ and, with dvclive,
metrics/<experiment>/.
"""

import argparse
from pathlib import Path

import keras
from dvclive import Live

from preference.backbones import load_backbone
from preference.battles import BATTLES
from preference.errors import exit_on_bad_input
from preference.examples import Epochs, Examples
from preference.model import build_model
from preference.packing import Packing, summarize_packing
from preference.params import load_params
from preference.saved_model import SavedModel, save_model
from preference.split_battles import read_split_battles
from preference.tokens import Tokens, find_tokens, open_tokens
from preference.training import train_model
from preference.training_progress import LiveMetrics, ProgressBar

SPLITS = Path("data/split")
TOKENS = Path("data/tokens")


def main(name: str) -> None:
    """Train the experiment `name`, and save the epoch that valid chose."""
    params = load_params().experiment(name)
    keras.utils.set_random_seed(params.seed)
    keras.config.set_dtype_policy(params.train.precision)
    folder = find_tokens(TOKENS, params.model.preset)
    tokens = open_tokens(folder)
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    train, valid = (read_examples(tokens, packing, split) for split in ("train", "valid"))
    epochs = Epochs(train, params.train.tokens_per_batch, params.seed)
    backbone = load_backbone(params.model.preset, tokens.special.vocabulary_size)
    model = build_model(backbone, params.model)
    with Live(f"metrics/{name}", dvcyaml=False, save_dvc_exp=False) as live:
        callbacks = [ProgressBar(name, epochs, params.train.epochs), LiveMetrics(live, epochs)]
        best = train_model(model, epochs, valid, params.train, callbacks)
        # In the place of the last step's values, which are not those of the model that is kept.
        live.summary = {
            **summarize_packing(tokens, train.rows, packing),
            "padding_share": train.padding_share(),
            **best,
        }
    save_model(SavedModel(model, packing, str(folder)), Path("models") / name)


def read_examples(tokens: Tokens, packing: Packing, split: str) -> Examples:
    """Find the tokens and labels of a split's battles."""
    battles = read_split_battles(BATTLES, SPLITS / f"{split}.parquet", ("label",))
    rows = tokens.rows_of(battles["id"].to_numpy())
    return Examples(tokens, packing, rows, battles["label"].to_numpy())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one experiment of params.yaml.")
    parser.add_argument("experiment")
    with exit_on_bad_input():
        main(parser.parse_args().experiment)
