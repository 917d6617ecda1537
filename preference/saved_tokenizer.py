"""A tokenizer on disk, in the files of a keras-nlp preset: its settings and its vocabulary."""

import shutil
from pathlib import Path

from keras_nlp.tokenizers import Tokenizer

from preference.errors import BadInput
from preference.safe_loading import rebuild

SETTINGS = "tokenizer.json"
ASSETS = Path("assets/tokenizer")


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the tokenizer that stands beside its tokens in `source`, byte for byte."""
    shutil.copytree(source / ASSETS, folder / ASSETS, dirs_exist_ok=True)
    shutil.copyfile(source / SETTINGS, folder / SETTINGS)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Rebuild a saved tokenizer.

    Raises:
        BadInput: a file is damaged, or is no tokenizer's.
    """
    tokenizer = rebuild(folder / SETTINGS, Tokenizer)
    try:
        tokenizer.load_assets(str(folder / ASSETS))
    # Each kind of tokenizer fails in its own way on a vocabulary that is not its own.
    except Exception as error:
        raise BadInput(f"{folder.name}/{ASSETS} cannot be read: {error}") from error
    return tokenizer
