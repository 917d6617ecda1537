"""What is in the battles: counts, shares and lengths for `metrics/data.json`."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles import SEGMENTS, label_shares
from preference.prompt_groups import number_texts
from preference.quarantine import QuarantinedRow, count_reasons

# A character that no text holds by accident, so that ["a", "b"] and ["ab"] stay different.
TURN_SEPARATOR = "\x1f"


def summarize_data(
    battles: pa.Table, quarantined: Sequence[QuarantinedRow], source: str
) -> dict[str, object]:
    """Describe the battles and the rows that are none. Lengths are in characters, of all turns."""
    turns = pc.list_value_length(battles["prompt"])
    return {
        "source": source,
        "simulated": "oracle" in battles.column_names,
        "rows_read": len(battles) + len(quarantined),
        "rows_kept": len(battles),
        "rows_quarantined": len(quarantined),
        "quarantine_reasons": count_reasons(quarantined),
        "label_shares": label_shares(battles["label"].to_numpy()),
        "turns": {
            "mean": pc.mean(turns).as_py(),
            "max": pc.max(turns).as_py(),
            "share_multi_turn": pc.mean(pc.greater(turns, 1)).as_py(),
        },
        "share_repeated_prompt": _share_repeated(battles["prompt"]),
        "rows_with_empty_turn": {
            segment: _rows_with_empty_turn(battles[segment]) for segment in SEGMENTS[1:]
        },
        "rows_with_identical_answers": _rows_identical(
            battles["response_a"], battles["response_b"]
        ),
        "characters": {segment: _length_quantiles(battles[segment]) for segment in SEGMENTS},
    }


def _share_repeated(prompts: pa.ChunkedArray) -> float:
    numbers = number_texts(prompts)
    return float((np.bincount(numbers)[numbers] > 1).mean())


def _rows_with_empty_turn(conversations: pa.ChunkedArray) -> int:
    is_empty = pc.equal(pc.list_flatten(conversations), "")
    return len(pc.unique(pc.list_parent_indices(conversations).filter(is_empty)))


def _rows_identical(left: pa.ChunkedArray, right: pa.ChunkedArray) -> int:
    left, right = (pc.binary_join(side, TURN_SEPARATOR) for side in (left, right))
    return pc.sum(pc.equal(left, right)).as_py()


def _length_quantiles(conversations: pa.ChunkedArray) -> dict[str, float]:
    lengths = pc.utf8_length(pc.binary_join(conversations, "")).to_numpy()
    p50, p90, p99 = np.quantile(lengths, [0.5, 0.9, 0.99]).tolist()
    return {"p50": p50, "p90": p90, "p99": p99, "max": int(lengths.max())}
