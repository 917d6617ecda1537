"""The digest of battles is the same for the same battles alone."""

import pyarrow as pa

from preference.evaluation.battle_digest import digest_table

COLUMNS = ("id", "prompt", "label")


def battles(prompts=(("a", "b"), ("c",), ("d",)), labels=(0, 1, 2)):
    rows = zip(range(len(prompts)), prompts, labels, strict=True)
    return pa.Table.from_pylist(
        [
            dict(zip(COLUMNS, (number, list(turns), label), strict=True))
            for number, turns, label in rows
        ],
        pa.schema([("id", pa.int64()), ("prompt", pa.list_(pa.string())), ("label", pa.int8())]),
    )


def test_the_same_battles_have_the_same_digest_in_any_chunks_and_beside_other_columns():
    table = battles()
    chunks = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    more = chunks.append_column("source", pa.array(["x", "y", "z"]))
    assert digest_table(more, COLUMNS) == digest_table(table, COLUMNS)


def test_another_text_label_or_order_of_rows_has_another_digest():
    tables = [
        battles(),
        battles(labels=(0, 2, 2)),
        battles(prompts=(("a", "b"), ("c",), ("e",))),
        battles(prompts=(("a",), ("b", "c"), ("d",))),
        battles(prompts=(("a, b",), ("c",), ("d",))),
        battles().take([1, 0, 2]),
        battles().slice(0, 2),
    ]
    assert len({digest_table(table, COLUMNS) for table in tables}) == len(tables)
