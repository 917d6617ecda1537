"""Read a tokenizer from its files."""

from pathlib import Path

from keras_nlp.tokenizers import Tokenizer

from preference.presets.safe_loading import rebuild
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import LARGEST_VOCABULARY, check_file, read_json
from preference.tokenizers.charsmap import check_sentence_piece
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS

# The ending of the only vocabulary that holds such a table.
SENTENCE_PIECE = ".spm"


def load_tokenizer(folder: Path) -> Tokenizer:
    """Rebuild a saved tokenizer.

    Raises:
        BadInput: a file is damaged, or does not belong to a tokenizer.
    """
    config = read_json(folder / SETTINGS)
    try:
        tokenizer = rebuild(config, Tokenizer)
    except BadInput as error:
        raise BadInput(f"{folder.name}/{SETTINGS}: {error}. Copy the model again") from error
    load_vocabulary(tokenizer, folder / ASSETS)
    return tokenizer


def load_vocabulary(tokenizer: Tokenizer, assets: Path) -> None:
    """Read the vocabulary of a tokenizer from its files.

    Raises:
        BadInput: one of them is missing, too large or damaged.
    """
    try:
        for name in tokenizer.file_assets:
            check_file(assets / name, LARGEST_VOCABULARY)
            if Path(name).suffix == SENTENCE_PIECE:
                check_sentence_piece((assets / name).read_bytes(), name)
        tokenizer.load_assets(str(assets))
    # Every kind of tokenizer raises other errors on a damaged vocabulary.
    except Exception as error:
        raise BadInput(f"the vocabulary in {assets.name} cannot be read: {error}") from error
