"""Build the model of a bundle, and check that its parts belong together."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras_nlp.tokenizers import Tokenizer

import preference.tokenizers.hugging_face  # noqa: F401, registers its tokenizer
from preference.battles.table import LABELS
from preference.bundle.manifest import TOKENIZER, check_assets, check_files
from preference.bundle.manifest_schema import Manifest
from preference.features.feature_rows import COLUMNS
from preference.models.model_files import ARCHITECTURE, NORMALIZATION, WEIGHTS
from preference.models.preference_model import backbone_of, encoder_of, position_count
from preference.models.saved_model import check_weights, load_model
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import (
    LARGEST_JSON,
    LARGEST_VOCABULARY,
    WRONG_VALUE,
    check_file,
)
from preference.runtime.strict_json import check_values, parse_json
from preference.sequences.feature_normalization import Normalization
from preference.sequences.packing import SIDES
from preference.tokenizers.saved_tokenizer import load_tokenizer
from preference.tokenizers.tokenize import special_tokens_of


@dataclass(frozen=True)
class Bundle:
    """A model, its tokenizer, its manifest, and the features that it reads, if any."""

    manifest: Manifest
    model: keras.Model
    tokenizer: Tokenizer
    normalization: Normalization | None = None


def load_network(folder: Path, manifest: Manifest) -> Bundle:
    """Build the model of a folder whose files were checked.

    Raises:
        BadInput: it has foreign classes, or its parts do not belong together.
    """
    tokenizer = load_tokenizer(folder / TOKENIZER)
    normalization = load_normalization(folder / NORMALIZATION) if manifest.has_features else None
    bundle = Bundle(manifest, load_model(folder), tokenizer, normalization)
    _check_parts_fit(bundle)
    return bundle


def load_checked_network(folder: Path, manifest: Manifest) -> Bundle:
    """Check that the files of a folder are those of its manifest, and build the model.

    Raises:
        BadInput: a file is missing or has changed, there is another one for the tokenizer, or
            `load_network` raises it.
    """
    check_sizes(folder, manifest.files)
    check_files(folder, manifest.files)
    check_assets(folder, manifest.files)
    return load_network(folder, manifest)


def load_normalization(path: Path) -> Normalization:
    """Read the normalisation of the features that a model reads.

    Raises:
        BadInput: the file is damaged, or names a feature that this code does not compute.
    """
    check_file(path, LARGEST_JSON)
    try:
        normalization = check_values(Normalization, parse_json(path.read_bytes()))
    except ValueError as error:
        raise BadInput(
            f"{path.name} is damaged ({error}). Copy or train the model again"
        ) from error
    if unknown := [name for name in normalization.names if name not in COLUMNS]:
        raise BadInput(
            f"{path.name} names the feature {unknown[0]!r}, which this code does not compute. Use "
            "the code that wrote it, or a newer one"
        )
    return normalization


def check_sizes(folder: Path, names: Iterable[str]) -> None:
    """Check the sizes of all files before they are read to compute their hashes."""
    for name in names:
        if name != WEIGHTS and (folder / name).is_file():
            check_file(folder / name, LARGEST_VOCABULARY)
    if (folder / WEIGHTS).is_file():
        check_weights(folder)


def _check_parts_fit(bundle: Bundle) -> None:
    """Check that the model accepts the token ids of its tokenizer and the lengths of its packing.

    Raises:
        BadInput: it is not a preference model, or has too few token embeddings or positions.
    """
    features = bundle.normalization.names if bundle.normalization else []
    rows, positions = _input_limits(bundle.model, len(features))
    try:
        tokens = special_tokens_of(bundle.tokenizer).vocabulary_size
    # A tokenizer of another kind lacks what is read here.
    except WRONG_VALUE as error:
        kind = type(bundle.tokenizer).__name__
        raise BadInput(f"{TOKENIZER} is a {kind} without [CLS], [SEP] or [PAD]") from error
    if tokens > rows:
        raise BadInput(
            f"{TOKENIZER} has {tokens} tokens and {ARCHITECTURE} {rows} embeddings: they belong to "
            "different models. Copy or train the model again"
        )
    seq_len = bundle.manifest.packing.seq_len
    if positions and seq_len > positions:
        raise BadInput(
            f"packing.seq_len is {seq_len}, and {ARCHITECTURE} has {positions} positions. "
            "Copy or train the model again"
        )


def _input_limits(model: keras.Model, features: int) -> tuple[int, int | None]:
    """Return the number of token embeddings and of positions (None if these are relative).

    Args:
        model: the model.
        features: number of features of a side that its head reads, too.
    """
    try:
        backbone, head = backbone_of(model), model.get_layer("head")
        sides = (None, len(SIDES), encoder_of(model).output_shape[-1] + features)
        if head.input_shape != sides:
            raise ValueError(
                f"its head reads {head.input_shape[-1]} numbers of a side, not {sides[-1]}"
            )
        if head.compute_output_shape(sides) != (None, len(LABELS)):
            raise ValueError(f"its head does not make {len(LABELS)} logits")
        return backbone.token_embedding.input_dim, position_count(backbone)
    # A network of another kind lacks what is read here.
    except WRONG_VALUE as error:
        raise BadInput(f"{ARCHITECTURE} is not that of a preference model: {error}") from error
