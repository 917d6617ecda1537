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
from preference.determinism import make_deterministic
from preference.errors import exit_on_bad_input
from preference.model import build_model
from preference.packing import Packing, summarize_packing
from preference.params import load_params
from preference.saved_model import SavedModel, save_model
from preference.split_battles import read_split_battles
from preference.tokens import Tokens, find_tokens, open_tokens
from preference.training import Examples, steps_in_epoch, train_model
from preference.training_progress import LiveMetrics, ProgressBar

SPLITS = Path("data/split")
TOKENS = Path("data/tokens")


def main(name: str) -> None:
    """Train the experiment `name`, and save the epoch that valid chose."""
    params = load_params().experiment(name)
    keras.utils.set_random_seed(params.seed)
    make_deterministic()
    folder = find_tokens(TOKENS, params.model.preset)
    tokens = open_tokens(folder)
    train, valid = read_examples(tokens, "train"), read_examples(tokens, "valid")
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    backbone = load_backbone(params.model.preset, tokens.special.vocabulary_size)
    model = build_model(backbone, params.model)
    steps = steps_in_epoch(len(train.rows), params.train.batch_size)
    with Live(f"metrics/{name}", dvcyaml=False, save_dvc_exp=False) as live:
        progress = ProgressBar(name, len(train.rows), params.train.epochs, steps)
        callbacks = [progress, LiveMetrics(live, steps)]
        best = train_model(
            model, tokens, train, valid, packing, params.train, params.seed, callbacks
        )
        # In the place of the last step's values, which are not those of the model that is kept.
        live.summary = {**summarize_packing(tokens, train.rows, packing), **best}
    save_model(SavedModel(model, packing, str(folder)), Path("models") / name)


def read_examples(tokens: Tokens, split: str) -> Examples:
    """Find the tokens and labels of a split's battles."""
    battles = read_split_battles(BATTLES, SPLITS / f"{split}.parquet", ("label",))
    return Examples(tokens.rows_of(battles["id"].to_numpy()), battles["label"].to_numpy())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one experiment of params.yaml.")
    parser.add_argument("experiment")
    with exit_on_bad_input():
        main(parser.parse_args().experiment)
