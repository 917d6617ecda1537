"""The files of a tokenizer as in a keras-nlp preset: its settings and its vocabulary."""

import shutil
from pathlib import Path

SETTINGS = "tokenizer.json"
ASSETS = Path("assets/tokenizer")


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the tokenizer in a folder of tokens, byte for byte."""
    shutil.copytree(source / ASSETS, folder / ASSETS, dirs_exist_ok=True)
    shutil.copyfile(source / SETTINGS, folder / SETTINGS)
