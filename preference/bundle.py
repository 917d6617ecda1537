"""Load a bundle: a trained model with all that is needed to predict with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras_nlp.tokenizers import Tokenizer

import preference.hugging_face_tokenizer  # noqa: F401, registers its tokenizer
from preference.bundle_archive import bundle_folder
from preference.errors import BadInput
from preference.foreign_files import LARGEST_VOCABULARY, check_file
from preference.manifest import TOKENIZER, Manifest, check_files, read_manifest
from preference.saved_model import WEIGHTS, check_weights, load_model
from preference.saved_tokenizer import load_tokenizer


@dataclass(frozen=True)
class Bundle:
    """A model, the tokenizer of what it reads, and everything that is known of it."""

    manifest: Manifest
    model: keras.Model
    tokenizer: Tokenizer


def load_bundle(path: Path) -> Bundle:
    """Load a bundle, a folder or a zip file, and check that its files are as they were written.

    Raises:
        BadInput: it does not exist, is no bundle, is damaged, of a newer format or of another
            origin, or Keras has another backend. The message says what to do.
    """
    if keras.backend.backend() != "tensorflow":
        raise BadInput("prediction needs TensorFlow: set KERAS_BACKEND=tensorflow.")
    try:
        with bundle_folder(path) as folder:
            manifest = read_manifest(folder)
            _check_sizes(folder, manifest.files)
            check_files(folder, manifest)
            tokenizer = load_tokenizer(folder / TOKENIZER)
            return Bundle(manifest, load_model(folder), tokenizer)
    except BadInput as error:
        raise BadInput(f"{path} cannot be used as a model: {error}.") from error


def _check_sizes(folder: Path, names: Iterable[str]) -> None:
    """Check that no file is too large, before all of them are read for their hashes."""
    for name in names:
        if name != WEIGHTS and (folder / name).is_file():
            check_file(folder / name, LARGEST_VOCABULARY)
    if (folder / WEIGHTS).is_file():
        check_weights(folder)
