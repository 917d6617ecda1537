"""A digest of battles, by which two versions find out whether they are the same."""

import hashlib
from collections.abc import Sequence

import pyarrow as pa

BATCH_ROWS = 1024


def digest_table(battles: pa.Table, columns: Sequence[str]) -> str:
    """Return a sha256 that is the same for the same rows in the same order.

    Args:
        battles: a table of battles.
        columns: those that are compared.
    """
    digest = hashlib.sha256()
    for batch in battles.select(list(columns)).to_batches(BATCH_ROWS):
        for row in batch.to_pylist():
            # What Python prints of a text or a number is exact, and quoted.
            digest.update(repr([row[column] for column in columns]).encode("utf-8"))
    return digest.hexdigest()
