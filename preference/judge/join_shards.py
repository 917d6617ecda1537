"""Join the predictions of all shards to the file that one worker would have written.

Guarantees
1. The bytes are those of an unsharded prediction on a machine of the same kind.
2. Nothing is written unless each shard is there once, and all were predicted with the same model
   from the same input.
3. Memory does not grow with the rows.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from preference.judge.output_files import check_output, writing_probabilities
from preference.judge.shard_files import ShardReader, ShardRecord, is_shard, reading_shard
from preference.judge.unreadable_rows import summarize_unreadable
from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line

# What all shards must have in common, and its name in errors.
COMMON = {
    "count": "number of shards",
    "model_sha256": "model",
    "both_orders": "choice of --both-orders",
    "files": "input",
    "rows": "number of rows in the input",
    "block_rows": "size of blocks, because the programs differ",
}
MOST_NAMED = 10


def join_shards(paths: Sequence[Path], output: Path) -> None:
    """Write the predictions of all shards in the order of the input.

    Args:
        paths: the files of the shards, in any order.
        output: a .csv, .parquet or .jsonl file.

    Raises:
        BadInput: a shard is missing, damaged, there twice, or of another prediction; or no row of
            the input is a battle. Then nothing is written.
    """
    check_output(output)
    if output.exists() and any(path.exists() and output.samefile(path) for path in paths):
        raise BadInput(f"{output} is one of the shards. Give the joined file another name.")
    if is_shard(output):
        raise BadInput(
            f"{output} is a shard, which would be lost. Give the name of the joined file as the "
            "last one."
        )
    with ExitStack() as files:
        readers = [files.enter_context(reading_shard(path)) for path in paths]
        ordered = check_complete(readers)
        first = ordered[0].record
        blocks = [reader.read_blocks() for reader in ordered]
        with writing_probabilities(output) as write:
            for block in range(sum(len(reader.record.blocks) for reader in ordered)):
                write(*next(blocks[block % first.count]))
            reasons = sum((Counter(one.record.unreadable) for one in ordered), Counter[str]())
            summarize_unreadable(first.input, reasons, first.rows)
    tqdm.write(one_line(f"{output}: {first.rows:,} rows"), file=sys.stderr)


def check_complete(readers: Sequence[ShardReader]) -> list[ShardReader]:
    """Return the shards in the order of their numbers.

    Raises:
        BadInput: one is missing or there twice, or they are of different predictions.
    """
    first = readers[0]
    by_number: dict[int, ShardReader] = {}
    for reader in readers:
        _check_common(first, reader)
        same = by_number.setdefault(reader.record.number, reader)
        if same is not reader:
            raise BadInput(
                f"{reader.path} and {same.path} are both shard {_name(reader.record)}. Give each "
                "shard once."
            )
    _check_none_is_missing(first.record, set(by_number))
    _warn_of_other_machines(readers)
    return [by_number[number] for number in sorted(by_number)]


def _check_common(first: ShardReader, reader: ShardReader) -> None:
    for name, title in COMMON.items():
        if getattr(first.record, name) != getattr(reader.record, name):
            raise BadInput(
                f"{reader.path} and {first.path} differ in the {title}: "
                f"{_describe(reader.record)}; {_describe(first.record)}. Join the shards of one "
                "prediction alone."
            )


def _describe(record: ShardRecord) -> str:
    both = ", both orders" if record.both_orders else ""
    return (
        f"shard {_name(record)} of {record.input} ({record.rows:,} rows) with {record.model} "
        f"({record.model_sha256[:8]}{both})"
    )


def _check_none_is_missing(record: ShardRecord, found: set[int]) -> None:
    missing = [number for number in range(1, record.count + 1) if number not in found]
    if missing:
        named = ", ".join(map(str, missing[:MOST_NAMED])) + (", …" if missing[MOST_NAMED:] else "")
        raise BadInput(
            f"{len(missing)} of {record.count} shards of {record.input} are missing: {named}. "
            f"Predict each with `--shard {missing[0]}/{record.count}`, or name its file too."
        )


def _warn_of_other_machines(readers: Sequence[ShardReader]) -> None:
    first = readers[0]
    for reader in readers:
        if reader.record.computed_by != first.record.computed_by:
            text = (
                f"{reader.path} and {first.path} were predicted on different processors or with "
                "different libraries: last digits may differ from those of one machine."
            )
            tqdm.write(one_line(text), file=sys.stderr)
            return


def _name(record: ShardRecord) -> str:
    return f"{record.number}/{record.count}"
