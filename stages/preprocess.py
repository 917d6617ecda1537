"""Tokenize every turn of every battle, once for each tokenizer that an experiment needs.

    python -m stages.preprocess

Reads data/config/presets.json, data/initial_tokenizers/, data/battles.parquet and, to train a
tokenizer (one for each fold), data/split/train.parquet; writes data/tokens/<tokenizer>/ and
data/tokens/index.json, which names the folder of each preset.
"""

from functools import cache
from itertools import product

import preference.runtime.lean_keras  # noqa: F401
from preference.battles.splits import read_folds, split_file
from preference.battles.table import BATTLES, FIELDS, scan_battles
from preference.config.experiment import read_presets
from preference.config.params import load_params
from preference.models.initial_network import read_tokenizers, tokenizer_folder
from preference.presets.own_presets import TRAINED_FROM_SCRATCH
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone
from preference.runtime.strict_json import to_json
from preference.sequences.token_store import INDEX, TOKENS, name_in_index
from preference.tokenizers.corpus import read_training_texts
from preference.tokenizers.saved_tokenizer import load_tokenizer
from preference.tokenizers.tokenize import tokenize_battles
from preference.tokenizers.tokenizer import (
    Tokenizer,
    fingerprint,
    load_preset_tokenizer,
    train_tokenizer,
)

TRAIN = split_file("train")


def main() -> None:
    """Write the tokens of each distinct tokenizer, and the folder name of each preset."""
    vocabulary_size = load_params().tokenizer.vocabulary_size
    folders, tokenizers = {}, {}
    for preset, fold in product(read_presets(), read_folds(TRAIN)):
        tokenizer = tokenizer_of(preset, vocabulary_size, fold)
        folder = folders[name_in_index(preset, fold)] = fingerprint(tokenizer)
        tokenizers[folder] = tokenizer
    with writing_folder(TOKENS) as tokens:
        for folder, tokenizer in tokenizers.items():
            batches = scan_battles(BATTLES, ["id", *FIELDS], f"tokenize {folder}")
            tokenize_battles(batches, tokenizer, tokens / folder)
            tokenizer.save_to_preset(tokens / folder)
        (tokens / INDEX).write_text(to_json(folders, indent=2))


def tokenizer_of(preset: str, vocabulary_size: int, fold: int | None = None) -> Tokenizer:
    """Load the tokenizer of a preset, or train it where the preset is trained from scratch.

    Where experiments start from a bundle, `preset` is its path.
    """
    if preset in read_tokenizers():
        return load_tokenizer(tokenizer_folder(preset))
    if preset not in TRAINED_FROM_SCRATCH:
        return load_preset_tokenizer(preset)
    return trained_tokenizer(vocabulary_size, fold)


@cache
def trained_tokenizer(vocabulary_size: int, fold: int | None = None) -> Tokenizer:
    """Train the tokenizer that all presets trained from scratch share, on the train split."""
    return train_tokenizer(read_training_texts(BATTLES, TRAIN, fold), vocabulary_size)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("preprocess"):
        main()
