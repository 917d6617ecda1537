"""Summarize the battles for `metrics/data.json`: counts, fractions and lengths."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles.soft_labels import SHARES, WEIGHT, find_soft, read_shares
from preference.battles.table import FIELDS, label_shares
from preference.battles.text_digests import digest_texts, number_digests
from preference.sources.quarantine import QuarantinedRow, count_reasons
from preference.sources.source import BattleSource, DownloadedFile

# A character that real texts do not have, so that ["a", "b"] and ["ab"] stay different.
TURN_SEPARATOR = "\x1f"


def summarize_sources(
    sources: Sequence[BattleSource],
    rows_kept: Mapping[str, int],
    quarantined: Sequence[QuarantinedRow],
) -> dict[str, dict[str, object]]:
    """Count the rows of each source, and identify its file if it was downloaded.

    Args:
        sources: all sources.
        rows_kept: the number of battles of each source, by its name.
        quarantined: the rows of all sources that cannot be read as battles.
    """
    return {
        source.name: {
            "rows_read": rows_kept[source.name] + count,
            "rows_kept": rows_kept[source.name],
            "rows_quarantined": count,
            **({"columns_not_read": dict(sorted(source.unread.items()))} if source.unread else {}),
            **_describe_downloads(source),
        }
        for source in sources
        for count in [sum(row.source in source.parts for row in quarantined)]
    }


def _describe_downloads(source: BattleSource) -> dict[str, object]:
    """Identify the file of a source, or each of its files by name, if it was downloaded."""
    files = {name: _describe_download(file) for name, file in source.downloads.items()}
    return files.get(source.name, {"files": files} if files else {})


def _describe_download(file: DownloadedFile) -> dict[str, object]:
    revision = {"revision": file.revision} if file.revision else {}
    return {**revision, "bytes": file.size, "sha256": file.sha256}


def summarize_data(
    batches: Iterable[pa.RecordBatch], quarantined: Sequence[QuarantinedRow]
) -> dict[str, object]:
    """Describe the battles and the quarantined rows. Lengths are in characters, over all turns.

    Args:
        batches: at least one, with columns `prompt`, `response_a`, `response_b` and those of
            `label_columns`. `label_shares` is about the label with the largest share.
        quarantined: the rows of all sources that cannot be read as battles.
    """
    battles = pa.Table.from_batches(map(_measure_battles, batches))
    return {
        "rows_read": len(battles) + len(quarantined),
        "rows_kept": len(battles),
        "rows_quarantined": len(quarantined),
        "quarantine_reasons": count_reasons(quarantined),
        "label_shares": label_shares(battles["label"].to_numpy()),
        **_describe_soft_labels(battles),
        "turns": {
            "mean": pc.mean(battles["turns"]).as_py(),
            "max": pc.max(battles["turns"]).as_py(),
            "share_multi_turn": pc.mean(pc.greater(battles["turns"], 1)).as_py(),
        },
        "share_repeated_prompt": _repeated_fraction(battles["digest"]),
        "rows_with_empty_turn": {
            field: pc.sum(battles[f"{field}_has_empty"]).as_py() for field in FIELDS[1:]
        },
        "rows_with_identical_answers": pc.sum(battles["identical"]).as_py(),
        "characters": {field: _length_quantiles(battles[f"{field}_length"]) for field in FIELDS},
    }


def describe_data(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences for the terminal about what `summarize_data` returned."""
    shares = ", ".join(f"{label} {share:.1%}" for label, share in data["label_shares"].items())
    yield f"{data['rows_kept']:,} of {data['rows_read']:,} rows are battles: {shares}."
    empty = ", ".join(
        f"{field} in {count:,}" for field, count in data["rows_with_empty_turn"].items() if count
    )
    if empty:
        yield f"battles with an empty turn, which are kept: {empty}."
    if identical := data["rows_with_identical_answers"]:
        yield f"battles whose answers are the same, which are kept: {identical:,}."


def _measure_battles(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the values that the summary needs, so that the texts need not be kept."""
    columns = {
        **{name: batch[name] for name in ("label", SHARES, WEIGHT) if name in batch.schema.names},
        "turns": pc.list_value_length(batch["prompt"]),
        "digest": digest_texts(batch["prompt"]),
        "identical": _is_identical(batch["response_a"], batch["response_b"]),
    }
    for field in FIELDS:
        columns[f"{field}_has_empty"] = _has_empty_turn(batch[field])
        columns[f"{field}_length"] = pc.utf8_length(pc.binary_join(batch[field], ""))
    return pa.RecordBatch.from_pydict(columns)


def _describe_soft_labels(battles: pa.Table) -> dict[str, object]:
    """Count the battles with soft labels, and return the range of weights, where there are any."""
    found: dict[str, object] = {}
    if SHARES in battles.column_names:
        found["rows_with_soft_labels"] = int(find_soft(read_shares(battles[SHARES])).sum())
    if WEIGHT in battles.column_names:
        found["battle_weights"] = pc.min_max(battles[WEIGHT]).as_py()
    return found


def _repeated_fraction(digests: pa.ChunkedArray) -> float:
    numbers = number_digests(digests)
    return float((np.bincount(numbers)[numbers] > 1).mean())


def _has_empty_turn(conversations: pa.ListArray) -> np.ndarray:
    is_empty = pc.equal(pc.list_flatten(conversations), "")
    found = np.zeros(len(conversations), dtype=bool)
    found[pc.list_parent_indices(conversations).filter(is_empty).to_numpy()] = True
    return found


def _is_identical(left: pa.ListArray, right: pa.ListArray) -> pa.BooleanArray:
    left, right = (pc.binary_join(side, TURN_SEPARATOR) for side in (left, right))
    return pc.equal(left, right)


def _length_quantiles(lengths: pa.ChunkedArray) -> dict[str, float]:
    lengths = lengths.to_numpy()
    p50, p90, p99 = np.quantile(lengths, [0.5, 0.9, 0.99]).tolist()
    return {"p50": p50, "p90": p90, "p99": p99, "max": int(lengths.max())}
