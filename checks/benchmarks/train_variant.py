"""Train one variant of the baseline in the current folder, and print its log loss on valid.

    python -m checks.benchmarks.train_variant "stock Adam" --seed 1

Reads what `stages.fetch`, `split` and `preprocess` wrote there.
"""

import argparse
import json
import time

import keras

from checks.benchmarks.variants import VARIANTS, with_stock_backbone
from preference.config.params import load_params
from preference.models.preference_model import build_model
from preference.models.pretrained.backbones import load_backbone
from preference.sequences.packing import Packing
from preference.sequences.token_store import TOKENS, find_tokens, open_tokens
from preference.training.fit import train_model
from preference.training.run import read_labelled_battles


def train_variant(name: str, seed: int) -> dict[str, float]:
    """Return `valid_log_loss` of the best epoch, and `seconds`, the time of the training."""
    variant, params = VARIANTS[name], load_params().experiment("baseline")
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(variant.precision)
    tokens = open_tokens(find_tokens(TOKENS, params.model.preset))
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    train, valid = (
        read_labelled_battles(tokens, packing, split, fold=None) for split in ("train", "valid")
    )
    epochs = variant.epochs(train, params.train.tokens_per_batch, seed)
    backbone = load_backbone(params.model.preset, tokens.special.vocabulary_size)
    model = build_model(backbone, params.model)
    if variant.stock_backbone:
        model = with_stock_backbone(model, backbone, params.model)
    began = time.perf_counter()
    with variant.applied():
        best = train_model(model, epochs, valid, params.train, callbacks=[])
    return {
        "valid_log_loss": best["valid_log_loss"],
        "seconds": time.perf_counter() - began,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    measured = train_variant(arguments.variant, arguments.seed)
    print(json.dumps(measured, allow_nan=False), flush=True)
