"""Tokenize every turn, of the battles table on disk or of battles in memory."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import keras_nlp
import numpy as np
import pyarrow as pa
import tensorflow as tf

from preference.battles.table import FIELDS
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens
from preference.sequences.token_writer import FieldWriter, offsets_of, order_of_turns, save_index


def tokenize_battles(
    batches: Iterable[pa.RecordBatch], tokenizer: keras_nlp.tokenizers.Tokenizer, folder: Path
) -> None:
    """Write the tokens of all battles as `preference.sequences.token_store` describes.

    Args:
        batches: at least one, with columns `id`, `prompt`, `response_a` and `response_b`; ids in
            any order.
        tokenizer: any keras-nlp tokenizer with special tokens.
        folder: made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = {field: FieldWriter(folder, field) for field in FIELDS}
    ids, turns_by_batch = [], []
    for batch in batches:
        ids.append(batch["id"].to_numpy())
        turns_by_batch.append(batch["prompt"].value_lengths().to_numpy())
        for field, writer in writers.items():
            writer.append(*_token_ids(tokenizer, batch[field].flatten().to_pylist()))
    battle_ids, turns = np.concatenate(ids), np.concatenate(turns_by_batch)
    order = np.argsort(battle_ids)
    for writer in writers.values():
        writer.save(order_of_turns(order, turns))
    save_index(folder, battle_ids[order], turns[order], special_tokens_of(tokenizer))


def tokenize_conversations(
    battles: Sequence[Mapping[str, Sequence[str]]], tokenizer: keras_nlp.tokenizers.Tokenizer
) -> Tokens:
    """Return the tokens of battles in memory; their ids are 0, 1, 2, …

    Args:
        battles: at least one; each has the keys of `FIELDS`, with equally many turns.
        tokenizer: any keras-nlp tokenizer with special tokens.
    """
    fields = {}
    for name in FIELDS:
        texts = [turn for battle in battles for turn in battle[name]]
        ids, lengths = _token_ids(tokenizer, texts)
        fields[name] = FieldTokens(offsets_of(lengths), ids)
    turns = np.array([len(battle["prompt"]) for battle in battles])
    return Tokens(np.arange(len(battles)), offsets_of(turns), fields, special_tokens_of(tokenizer))


def _token_ids(
    tokenizer: keras_nlp.tokenizers.Tokenizer, texts: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the concatenated token ids of all texts, and the number of tokens of each."""
    token_ids = tokenizer(texts)
    if isinstance(token_ids, tf.RaggedTensor):
        return token_ids.flat_values.numpy(), token_ids.row_lengths().numpy()
    lengths = np.fromiter(map(len, token_ids), dtype=np.int64, count=len(token_ids))
    flat = np.fromiter(chain.from_iterable(token_ids), dtype=np.int32, count=lengths.sum())
    return flat, lengths


def special_tokens_of(tokenizer: keras_nlp.tokenizers.Tokenizer) -> SpecialTokens:
    """Return the ids that packing needs, and the size of the vocabulary."""
    return SpecialTokens(
        cls=tokenizer.start_token_id,
        sep=tokenizer.end_token_id,
        pad=tokenizer.pad_token_id,
        vocabulary_size=tokenizer.vocabulary_size(),
    )
