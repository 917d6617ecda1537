"""Tokenizers of presets in keras-hub's format."""

import os
from pathlib import Path

import keras_nlp

from preference.presets.keras_files import advising_to_download, preset_file, read_object
from preference.presets.safe_loading import rebuild
from preference.runtime.errors import BadInput
from preference.tokenizers.saved_tokenizer import load_vocabulary
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS


def load_keras_tokenizer(source: str) -> keras_nlp.tokenizers.Tokenizer:
    """Build the tokenizer of a preset.

    Raises:
        BadInput: its family is not supported, or its files cannot be read.
    """
    with advising_to_download():
        config = read_object(preset_file(source, SETTINGS))
        try:
            tokenizer = rebuild(config, keras_nlp.tokenizers.Tokenizer)
        except BadInput as error:
            raise BadInput(f"{SETTINGS}: {error}") from error
        files = [preset_file(source, str(ASSETS / name)) for name in tokenizer.file_assets]
        load_vocabulary(tokenizer, Path(os.path.commonpath([file.parent for file in files])))
        return tokenizer
