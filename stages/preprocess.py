"""Tokenize every turn of every battle, once for each tokenizer that an experiment needs.

    python -m stages.preprocess

Reads data/battles.parquet and, to train a tokenizer, data/split/train.parquet; writes
data/tokens/<tokenizer>/ and data/tokens/index.json, which names the folder of each preset.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from preference.battles import BATTLES, SEGMENTS, read_battles
from preference.errors import exit_on_bad_input
from preference.params import load_params
from preference.presets import TRAINED_FROM_SCRATCH
from preference.split_battles import read_split_battles
from preference.tokenization import tokenize_battles
from preference.tokenizer import (
    Tokenizer,
    fingerprint,
    load_preset_tokenizer,
    train_tokenizer,
)
from preference.tokens import INDEX

TRAIN = Path("data/split/train.parquet")
TOKENS = Path("data/tokens")


def main() -> None:
    """Write the tokens of each distinct tokenizer, and the index of presets."""
    params = load_params()
    presets = {params.experiment(name).model.preset for name in params.experiments}
    folders, tokenizers = {}, {}
    for preset in sorted(presets):
        tokenizer = tokenizer_of(preset, params.tokenizer.vocabulary_size)
        folders[preset] = fingerprint(tokenizer)
        tokenizers[folders[preset]] = tokenizer
    battles = read_battles(BATTLES, ["id", *SEGMENTS]).sort_by("id")
    for folder, tokenizer in tokenizers.items():
        tokenize_battles(battles, tokenizer, TOKENS / folder)
        tokenizer.save_to_preset(TOKENS / folder)
    (TOKENS / INDEX).write_text(json.dumps(folders, indent=2) + "\n")


def tokenizer_of(preset: str, vocabulary_size: int) -> Tokenizer:
    """Load the tokenizer of a preset, or the trained one where the preset is one of ours."""
    if preset not in TRAINED_FROM_SCRATCH:
        return load_preset_tokenizer(preset)
    return trained_tokenizer(vocabulary_size)


@cache
def trained_tokenizer(vocabulary_size: int) -> Tokenizer:
    """Train one tokenizer for all our own configurations, on train alone."""
    battles = read_split_battles(BATTLES, TRAIN, SEGMENTS)
    return train_tokenizer(_texts(battles), vocabulary_size)


def _texts(battles: pa.Table) -> Iterator[str]:
    for segment in SEGMENTS:
        yield from (text.as_py() for text in pc.list_flatten(battles[segment]))


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
