"""Predict one shard of a file, as one of several workers that need not know of each other."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from preference.battles.table import BATTLES_A_BATCH
from preference.judge.predict_file import FilePredictor, check_paths
from preference.judge.shard import Shard
from preference.judge.shard_files import FORMAT, InputFile, ShardRecord, writing_shard
from preference.runtime.processor import PROCESSOR, processor_name
from preference.runtime.provenance import library_versions
from preference.runtime.terminal_text import one_line, printable
from preference.sources.parts import list_parts
from preference.sources.source import identify_file


def predict_shard(
    model: Path,
    source: Path,
    output: Path,
    shard: Shard,
    both_orders: bool = False,
    strict: bool = False,
    named_by: str = "INPUT",
) -> Path:
    """Write the probabilities of one shard, showing progress on stderr.

    Args:
        model: a bundle, as a folder or a zip file.
        source: as for `predict_file`.
        output: the file of all rows, which `join_shards` writes.
        shard: which blocks of rows to predict.
        both_orders: average the predictions of both orders of the answers.
        strict: raise an error at the first row of the shard that cannot be read as a battle.
        named_by: where the user gave `source`, for errors.

    Returns:
        The file of the shard, `<output>-shard-<number>-of-<count>.parquet`.

    Raises:
        BadInput: a file cannot be used; then nothing is written.
    """
    check_paths(source, output)
    path = shard.path_beside(output)
    check_paths(source, path)
    predictor = FilePredictor(model, source, both_orders, strict, named_by)
    files = _identify(list_parts(source, labelled=False, named_by=named_by))
    with writing_shard(path, shard, BATTLES_A_BATCH) as writer:
        rows = 0
        for ids, probabilities in predictor.predict(shard):
            writer.append(ids, probabilities)
            rows += len(ids)
        record = ShardRecord(
            format=FORMAT,
            **asdict(shard),
            block_rows=BATTLES_A_BATCH,
            model=printable(model),
            model_sha256=predictor.judge.fingerprint,
            both_orders=both_orders,
            input=printable(source),
            files=files,
            rows=predictor.rows_read,
            unreadable=predictor.unreadable.reasons,
            computed_by=library_versions("tensorflow") | {PROCESSOR: processor_name()},
        )
        writer.finish(record)
    said = f"{path}: {rows:,} of {record.rows:,} rows, shard {shard}"
    tqdm.write(one_line(said), file=sys.stderr)
    return path


def _identify(parts: Iterable[Path]) -> dict[str, InputFile]:
    files = map(identify_file, parts)
    return {
        printable(file.path.name): InputFile(size=file.size, sha256=file.sha256) for file in files
    }
