import json

import pandas as pd
import pyarrow as pa
import pytest
from repository import REAL_ROWS

from preference.battles.table import BATTLE_SCHEMA, FIELDS
from preference.sources.ingest import parse_battles
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource

WINNERS = ["winner_model_a", "winner_model_b", "winner_tie"]


def without_lone_surrogates(text):
    return (text or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.skipif(
    not REAL_ROWS.exists(), reason="../shared/data/arena_head1000.csv.gz is missing"
)
def test_real_rows_agree_with_an_independent_reading():
    quarantined = []
    battles = pa.Table.from_batches(
        parse_battles(
            [BattleSource("real", {"real": read_source_rows(REAL_ROWS)})],
            BATTLE_SCHEMA,
            quarantined,
        )
    )
    expected = pd.read_csv(REAL_ROWS)
    assert len(battles) + len(quarantined) == len(expected) == 1000
    assert len(quarantined) < 10
    expected = expected.set_index("id").loc[battles["id"].to_pylist()]
    assert battles["label"].to_pylist() == expected[WINNERS].to_numpy().argmax(axis=1).tolist()
    for name in ("model_a", "model_b"):
        assert battles[name].to_pylist() == expected[name].tolist()
    for field in FIELDS:
        turns = [json.loads(text) for text in expected[field]]
        assert battles[field].to_pylist() == [
            [without_lone_surrogates(turn) for turn in conversation] for conversation in turns
        ]
