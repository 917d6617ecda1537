"""`predict --shard` and `join`, compared with one worker that predicts the whole file."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from documentation import blocks
from fetch_runs import write_csv
from repository import REPOSITORY
from small_bundle import edit_manifest, make_battles, write_bundle

from preference.battles.table import BATTLES_A_BATCH
from preference.judge.join_shards import join_shards
from preference.judge.predict_file import predict_file
from preference.judge.predict_shard import predict_shard
from preference.judge.shard import Shard
from preference.judge.shard_files import RECORD
from preference.runtime.errors import BadInput

NONSENSE = {"id": "x", "prompt": "no list", "response_a": "[]", "response_b": "[]"}
BLOCK = 3
PAGE = REPOSITORY / "docs/prediction.md"


def in_small_blocks():
    patch = pytest.MonkeyPatch()
    for module in ("predict_file", "predict_shard"):
        patch.setattr(f"preference.judge.{module}.BATTLES_A_BATCH", BLOCK)
    return patch


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two models, battles with ids of all kinds and a bad row, and all shards of two."""
    folder = tmp_path_factory.mktemp("shards")
    write_bundle(folder / "model")
    shutil.copytree(folder / "model", folder / "other")
    edit_manifest(folder / "other", lambda values: values.update(prior=[0.4, 0.4, 0.2]))
    rows = make_battles(9)
    rows[1:1] = [NONSENSE, NONSENSE | {"id": ""}]
    rows[7]["id"] = "0007"
    write_csv(folder / "in.csv", rows)
    write_csv(folder / "changed.csv", [*rows[:-1], rows[-1] | {"id": "1"}])
    with_blocks = in_small_blocks()
    for count in (1, 2, 5):
        for number in range(1, count + 1):
            shard = Shard(number, count)
            predict_shard(folder / "model", folder / "in.csv", folder / "out.csv", shard)
    second = Shard(2, 2)
    predict_shard(folder / "other", folder / "in.csv", folder / "other.csv", second)
    predict_shard(folder / "model", folder / "changed.csv", folder / "changed-out.csv", second)
    predict_shard(folder / "model", folder / "in.csv", folder / "both.csv", second, True)
    yield folder
    with_blocks.undo()


def shards(folder, count):
    return sorted(folder.glob(f"out-shard-*-of-{count}.parquet"), reverse=True)


@pytest.fixture(scope="module")
def whole(folder):
    for kind in ("csv", "jsonl", "parquet"):
        predict_file(folder / "model", folder / "in.csv", folder / f"whole.{kind}")
    return folder


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_joined_shards_have_the_bytes_of_one_worker(whole, tmp_path, count, kind, capsys):
    paths = shards(whole, count)
    assert len(paths) == count
    join_shards(paths, tmp_path / f"out.{kind}")
    assert (tmp_path / f"out.{kind}").read_bytes() == (whole / f"whole.{kind}").read_bytes()
    said = capsys.readouterr().err
    assert "2 of 11 rows cannot be read as battles: prompt is not a JSON list" in said
    assert f"out.{kind}: 11 rows" in said


def test_each_row_is_predicted_by_one_worker(folder):
    numbers = [pq.read_table(path)["row"].to_numpy() for path in shards(folder, 5)]
    # 4 blocks: the fifth worker has nothing to do.
    assert sorted(map(len, numbers)) == [0, 2, 3, 3, 3]
    assert sorted(np.concatenate(numbers)) == list(range(1, 12))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["out-1-of-2"], r"1 of 2 shards of .*in\.csv are missing: 2\. .* `--shard 2/2`"),
        (["out-1-of-2", "out-2-of-2", "copy"], "are both shard 1/2. Give each shard once"),
        (["out-1-of-2", "other-2-of-2"], "differ in the model"),
        (["out-1-of-2", "changed-out-2-of-2"], "differ in the input"),
        (["out-1-of-2", "both-2-of-2"], "differ in the choice of --both-orders"),
        (["out-1-of-2", "out-2-of-5"], "differ in the number of shards"),
        (["out-1-of-2", "cut"], "cut.parquet cannot be joined .* Predict this shard again"),
        (["out-1-of-2", "flipped"], "flipped.parquet cannot be joined .*"),
        (["out-1-of-2", "fewer"], "fewer.parquet cannot be joined .it has 1 of 2 blocks"),
        (["out-1-of-2", "later"], "later.parquet cannot be joined .it lacks rows of block 2"),
        (["out-1-of-2", "plain"], "plain.parquet cannot be joined .it is no file of `predict --s"),
        (["out-1-of-2", "nan"], "nan.parquet cannot be joined .a row of block 4 is not probabil"),
        (["out-1-of-2", "many"], "many.parquet cannot be joined .count: Input should be less"),
        (["out-1-of-2", "wide"], "wide.parquet cannot be joined .block_rows: Input should be les"),
        (["out-1-of-2", "none"], "none.parquet does not exist"),
    ],
)
def test_shards_that_are_not_one_prediction_are_refused(folder, tmp_path, names, message):
    damage(folder, tmp_path)
    paths = [
        tmp_path / f"{name}.parquet"
        if "-" not in name
        else folder / (name[:-7] + "-shard" + name[-7:] + ".parquet")
        for name in names
    ]
    (tmp_path / "out.csv").write_text("older")
    with pytest.raises(BadInput, match=message):
        join_shards(paths, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "older"


def damage(folder, target):
    """Write copies of shards that are cut, changed, or not what a worker has written."""
    shutil.copy(folder / "out-shard-1-of-2.parquet", target / "copy.parquet")
    second = folder / "out-shard-2-of-2.parquet"
    content = bytearray(second.read_bytes())
    (target / "cut.parquet").write_bytes(content[:-9])
    probabilities = pq.read_metadata(second).row_group(0).column(4)
    end = probabilities.data_page_offset + probabilities.total_compressed_size
    content[end - 1] ^= 1
    (target / "flipped.parquet").write_bytes(content)
    record = pq.read_metadata(second).metadata[RECORD]
    table = pq.read_table(second).replace_schema_metadata({RECORD: record})
    pq.write_table(table.slice(0, BLOCK), target / "fewer.parquet")
    moved = table.set_column(0, table.schema.field("row"), [table["row"].to_numpy() + 1])
    pq.write_table(moved, target / "later.parquet", row_group_size=BLOCK)
    pq.write_table(table.drop_columns(["row"]), target / "plain.parquet")
    tie = [*table["winner_tie"].to_pylist()[:-1], float("nan")]
    no_number = table.set_column(4, table.schema.field("winner_tie"), [tie])
    pq.write_table(no_number, target / "nan.parquet", row_group_size=BLOCK)
    for name, changes in {"many": {"count": 2_000_000}, "wide": {"block_rows": 2**40}}.items():
        values = json.dumps(json.loads(record) | changes)
        hostile = table.replace_schema_metadata({RECORD: values})
        pq.write_table(hostile, target / f"{name}.parquet", row_group_size=BLOCK)


def test_a_shard_in_the_place_of_the_output_is_not_lost(folder):
    """As where the name of the output is forgotten."""
    first, second = reversed(shards(folder, 2))
    before = second.read_bytes()
    with pytest.raises(BadInput, match=r"out-shard-2-of-2.parquet is a shard, which .* last one"):
        join_shards([first], second)
    assert second.read_bytes() == before


def test_rows_that_no_block_has_are_not_read(folder, tmp_path, monkeypatch):
    """Any number of equal rows needs next to no room in a file, and much in memory."""
    whole = folder / "out-shard-1-of-1.parquet"
    record = pq.read_metadata(whole).metadata[RECORD]
    table = pq.read_table(whole).replace_schema_metadata({RECORD: record})
    blocks = [table[:BLOCK].take([0] * 10_000), *(table[at : at + BLOCK] for at in (3, 6, 9))]
    with pq.ParquetWriter(tmp_path / "long.parquet", table.schema) as writer:
        for block in blocks:
            writer.write_table(block)
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *_: pytest.fail("it is read"))
    with pytest.raises(BadInput, match=r"long.parquet cannot be joined .it lacks rows of block 1"):
        join_shards([tmp_path / "long.parquet"], tmp_path / "out.csv")


def test_where_no_row_is_a_battle_nothing_is_joined(folder, tmp_path):
    write_csv(tmp_path / "in.csv", [NONSENSE] * 4)
    for number in (1, 2):
        shard = Shard(number, 2)
        predict_shard(folder / "model", tmp_path / "in.csv", tmp_path / "out.csv", shard)
    with pytest.raises(BadInput, match=r"4 of 4 rows cannot be read .* Nothing is written"):
        join_shards(shards(tmp_path, 2), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "1/2/3", "-1/2", "1/0", "a/b"])
def test_what_is_no_shard_is_refused_in_one_line(text, monkeypatch, capsys):
    command = ["preference", "predict", "--model", "m", f"--shard={text}", "in.csv", "out.csv"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("preference", run_name="__main__")
    (said,) = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 1 and f"--shard {text}: this is no shard. Give its" in said


def test_two_workers_at_once_write_what_one_would(folder, tmp_path, monkeypatch):
    """As docs/prediction.md starts them on Slurm and on Kubernetes, with blocks of true size."""
    monkeypatch.setattr("preference.judge.predict_file.BATTLES_A_BATCH", BATTLES_A_BATCH)
    rows = make_battles(BATTLES_A_BATCH + 5)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "battles.parquet")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/activate").touch()
    shutil.copytree(folder / "model", tmp_path / "models/exp2")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shared = os.environ | {"PATH": path, "PYTHONPATH": str(REPOSITORY)}
    workers = [
        subprocess.Popen(command, cwd=tmp_path, env=shared | variables)
        for command, variables in (
            (
                ["sh", "-c", array_job()],
                {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2"},
            ),
            (indexed_job(), {"JOB_COMPLETION_INDEX": "1", "SHARDS": "2"}),
        )
    ]
    predict_file(folder / "model", tmp_path / "battles.parquet", tmp_path / "whole.csv")
    assert [worker.wait() for worker in workers] == [0, 0]
    paths = sorted(tmp_path.glob("predictions-shard-*-of-2.parquet"))
    join_shards(paths, tmp_path / "predictions.csv")
    assert (tmp_path / "predictions.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def array_job():
    (script,) = (block for block in blocks(PAGE, "sh") if block.startswith("#!/bin/sh\n#SBATCH"))
    return script


def indexed_job():
    (block,) = blocks(PAGE, "yaml")
    (container,) = yaml.safe_load(block)["spec"]["template"]["spec"]["containers"]
    return container["command"]
