"""From the battles table to the tokens of every turn, a slice of battles at a time."""

from itertools import chain
from pathlib import Path

import keras_nlp
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tqdm import tqdm

from preference.battles import SEGMENTS
from preference.tokens import SegmentWriter, SpecialTokens, save_index

BATTLES_A_SLICE = 2048


def tokenize_battles(
    battles: pa.Table, tokenizer: keras_nlp.tokenizers.Tokenizer, folder: Path
) -> None:
    """Write the tokens of all battles as `preference.tokens` describes.

    Args:
        battles: columns `id`, `prompt`, `response_a`, `response_b`, sorted by id.
        tokenizer: any keras-nlp tokenizer with special tokens.
        folder: made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = {segment: SegmentWriter() for segment in SEGMENTS}
    turns = []
    with tqdm(total=len(battles), desc=f"tokenize {folder.name}", unit=" battles") as progress:
        for start in range(0, len(battles), BATTLES_A_SLICE):
            part = battles.slice(start, BATTLES_A_SLICE)
            turns.append(part["prompt"].combine_chunks().value_lengths().to_numpy())
            for segment, writer in writers.items():
                writer.append(*_token_ids(tokenizer, part[segment].combine_chunks().flatten()))
            progress.update(len(part))
    for segment, writer in writers.items():
        writer.save(folder, segment)
    save_index(folder, battles["id"].to_numpy(), np.concatenate(turns), _special(tokenizer))


def _token_ids(
    tokenizer: keras_nlp.tokenizers.Tokenizer, texts: pa.Array
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of all texts, one after the other, and how many each text has."""
    token_ids = tokenizer(texts.to_pylist())
    if isinstance(token_ids, tf.RaggedTensor):
        return token_ids.flat_values.numpy(), token_ids.row_lengths().numpy()
    lengths = np.fromiter(map(len, token_ids), dtype=np.int64, count=len(token_ids))
    flat = np.fromiter(chain.from_iterable(token_ids), dtype=np.int32, count=lengths.sum())
    return flat, lengths


def _special(tokenizer: keras_nlp.tokenizers.Tokenizer) -> SpecialTokens:
    return SpecialTokens(
        cls=tokenizer.start_token_id,
        sep=tokenizer.end_token_id,
        pad=tokenizer.pad_token_id,
        vocabulary_size=tokenizer.vocabulary_size(),
    )
