"""`python -m preference predict`, against the model itself."""

import csv
import json
import runpy
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import sentencepiece
from small_bundle import (
    BOTH_ORDERS,
    IN_ORDER,
    PRIOR,
    edit_manifest,
    make_battles,
    replace_file,
    small_network,
    small_tokenizer,
    write_bundle,
)

COLUMNS = ["winner_model_a", "winner_model_b", "winner_tie"]
NONSENSE = {"id": "5", "prompt": "no list", "response_a": "[]", "response_b": "[]"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def predict(model, monkeypatch, tmp_path):
    """Run the command on rows or a file; return ids and probabilities."""

    def run(rows, *options, output="out.csv"):
        source = write_csv(tmp_path / "in.csv", rows) if isinstance(rows, list) else rows
        output = tmp_path / output
        arguments = ["--model", str(model), *options, str(source), str(output)]
        monkeypatch.setattr(sys, "argv", ["preference", "predict", *arguments])
        runpy.run_module("preference", run_name="__main__")
        return read(output)

    return run


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path):
    if path.suffix == ".csv":
        table = pyarrow.csv.read_csv(path)
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
    else:
        table = pa.Table.from_pylist([json.loads(line) for line in path.open()])
    assert table.column_names == ["id", *COLUMNS]
    return table["id"].to_pylist(), np.column_stack([table[name] for name in COLUMNS])


def model_alone(row, swap=False):
    """What the model says of one battle that is not cut: float64 [3]."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=small_tokenizer().proto)
    prompt, a, b = (
        [token for turn in json.loads(row[name]) for token in processor.encode(turn)]
        for name in ("prompt", "response_a", "response_b")
    )
    sides = [[1, *prompt, 2, *answer, 2] for answer in ((b, a) if swap else (a, b))]
    width = max(map(len, sides))
    assert width <= 40
    token_ids = np.array([[side + [0] * (width - len(side)) for side in sides]], dtype="int32")
    padding_mask = (token_ids > 0).astype("int32")
    logits = np.asarray(small_network()({"token_ids": token_ids, "padding_mask": padding_mask}))[0]
    odds = np.exp(logits.astype("float64"))
    return odds / odds.sum()


def tempered(probabilities, temperature):
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum()


def short_battles(count):
    """Battles that fit, with their ids in an order of their own."""
    random = np.random.default_rng(1)
    words = ["soup", "bread", "garden", "rake"]
    rows = []
    for number in random.permutation(count):
        texts = [json.dumps([str(random.choice(words))]) for _ in range(3)]
        fields = dict(zip(("prompt", "response_a", "response_b"), texts, strict=True))
        rows.append({"id": int(number) * 11, **fields})
    return rows


def test_each_battle_gets_the_models_probabilities_and_the_temperature(predict):
    rows = short_battles(17)
    ids, probabilities = predict(rows)
    assert ids == [row["id"] for row in rows]
    expected = np.array([tempered(model_alone(row), IN_ORDER) for row in rows])
    assert expected.std(axis=0).min() > 0.01
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_both_orders_are_averaged_and_have_a_temperature_of_their_own(predict):
    rows = short_battles(6)
    _, probabilities = predict(rows, "--both-orders")
    means = [(model_alone(row) + model_alone(row, swap=True)[[1, 0, 2]]) / 2 for row in rows]
    expected = [tempered(mean, BOTH_ORDERS) for mean in means]
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


@pytest.mark.parametrize(("options", "agrees"), [(["--both-orders"], True), ([], False)])
def test_answers_that_change_places_change_their_probabilities(predict, options, agrees):
    rows = make_battles(12)
    swapped = [
        {**row, "response_a": row["response_b"], "response_b": row["response_a"]} for row in rows
    ]
    _, there = predict(rows, *options)
    _, back = predict(swapped, *options)
    assert np.allclose(there, back[:, [1, 0, 2]], atol=1e-6) == agrees


def test_every_format_in_and_out_gives_the_same(predict, tmp_path):
    rows = make_battles(15)
    native = [
        {name: int(text) if name == "id" else json.loads(text) for name, text in row.items()}
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(native), tmp_path / "in.parquet")
    write_json_lines(tmp_path / "in.jsonl", native)
    ids, expected = predict(rows)
    assert ids == [int(row["id"]) for row in rows]
    for source, output in {"in.parquet": "a.jsonl", "in.jsonl": "a.parquet"}.items():
        found_ids, found = predict(tmp_path / source, output=output)
        assert found_ids == ids, source
        assert np.array_equal(found, expected), source
    assert not list(tmp_path.glob("*.partial"))


def test_where_a_part_ends_does_not_matter(predict, monkeypatch):
    rows = make_battles(20)
    ids, whole = predict(rows)
    monkeypatch.setattr("preference.judge.predict_file.BATTLES_A_BATCH", 3)
    in_parts_ids, in_parts = predict(rows)
    assert in_parts_ids == ids
    np.testing.assert_allclose(in_parts, whole, atol=1e-6)


def test_a_bad_row_keeps_its_place_and_id_gets_the_prior_and_is_reported(predict, capsys):
    good = make_battles(4)
    unequal = {**good[0], "id": "77", "response_a": '["one", "two", "three", "four"]'}
    nameless = {**good[1], "id": ""}
    rows = [good[0], NONSENSE, good[1], unequal, nameless, good[2], good[3]]
    ids, probabilities = predict(rows)
    assert ids == [1000, 5, 993, 77, None, 986, 979]
    assert probabilities[[1, 3, 4]].tolist() == [PRIOR] * 3
    _, expected = predict(good)
    np.testing.assert_allclose(probabilities[[0, 2, 5, 6]], expected, atol=1e-6)
    reported = capsys.readouterr().err
    assert "in.csv, line 3: prompt is not a JSON list of strings" in reported
    assert "in.csv, line 5: unequal turns" in reported
    assert "in.csv, line 6: id is missing" in reported
    assert "3 of 7 rows cannot be read as battles" in reported
    assert ".csv: 7 rows" in reported


def test_ten_bad_rows_are_reported_one_by_one_and_all_are_counted(predict, capsys):
    ids, _ = predict([*make_battles(26), *[NONSENSE] * 25])
    assert len(ids) == 51
    reported = capsys.readouterr().err
    assert reported.count("in.csv, line") == 10
    assert "25 of 51 rows" in reported
    assert "prompt is not a JSON list of strings (25)" in reported


def test_repeated_ids_are_rows_of_their_own(predict):
    first, second = make_battles(2)
    ids, probabilities = predict([first, {**second, "id": first["id"]}, first])
    assert ids == [1000, 1000, 1000]
    assert not np.allclose(probabilities[0], probabilities[1])
    np.testing.assert_allclose(probabilities[0], probabilities[2], atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([*make_battles(2), NONSENSE], ["--strict"], "line 4: prompt is not a JSON list"),
        ([NONSENSE] * 2, [], "2 of 2 rows cannot be read as battles"),
        ([{"id": "1", "prompt": "[]"}], [], "lacks columns: response_a, response_b"),
        (
            Path("missing.csv"),
            [],
            "does not exist. Put the file there, or correct INPUT",
        ),
    ],
)
def test_what_cannot_be_predicted_leaves_the_older_output(
    predict, tmp_path, rows, options, message, capsys
):
    (tmp_path / "out.csv").write_text("older")
    with pytest.raises(SystemExit):
        predict(rows, *options)
    assert message in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_text() == "older"
    assert not list(tmp_path.glob("*.partial"))


def test_a_temperature_that_no_training_fits_writes_nothing(predict, model, tmp_path, capsys):
    tampered = shutil.copytree(model, tmp_path / "tampered")
    edit_manifest(
        tampered,
        lambda values: values["calibration"]["in_order"].update(temperature=5e-324),
    )
    with pytest.raises(SystemExit) as stopped:
        predict(make_battles(3), "--model", str(tampered))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert stopped.value.code == 1 and not (tmp_path / "out.csv").exists()
    assert line.startswith(f"error: {tampered} cannot be used as a model: bundle.json is damaged")
    assert "calibration.in_order.temperature: Input should be greater than" in line


@pytest.mark.parametrize("output", ["out.csv", "out.jsonl", "out.parquet"])
def test_what_are_no_probabilities_is_not_written(predict, model, tmp_path, output, capsys):
    """Weights so large that what is computed with them has no number."""
    tampered = shutil.copytree(model, tmp_path / "tampered")
    weights = tampered / "model.weights.h5"
    with h5py.File(weights, "a") as file:
        arrays = []
        file.visititems(lambda _, item: arrays.append(item) if hasattr(item, "shape") else None)
        for array in arrays:
            array[...] = 1e38
    replace_file(tampered, "model.weights.h5", weights.read_bytes())
    with pytest.raises(SystemExit) as stopped:
        predict(make_battles(3), "--model", str(tampered), output=output)
    assert stopped.value.code == 1 and not (tmp_path / output).exists()
    assert "error: small: some of its predictions are not prob" in capsys.readouterr().err


def test_a_file_that_is_cut_short_leaves_no_output(predict, tmp_path, capsys):
    whole = write_csv(tmp_path / "whole.csv", make_battles(9)).read_bytes()
    (tmp_path / "cut.csv").write_bytes(whole[:-8])
    with pytest.raises(SystemExit):
        predict(tmp_path / "cut.csv")
    assert "cut short" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"whole.csv", "cut.csv"}


@pytest.mark.parametrize(
    ("output", "message"), [("out.xlsx", "unknown kind"), ("in.csv", "is a file that is read")]
)
def test_an_output_that_cannot_be_written_is_reported(predict, output, message, capsys):
    with pytest.raises(SystemExit):
        predict(make_battles(1), output=output)
    assert message in capsys.readouterr().err


def test_predictions_replace_no_file_of_the_folder_that_is_read(predict, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    part = write_csv(tmp_path / "folder/part.csv", make_battles(2))
    before = part.read_bytes()
    for output in ("folder/part.csv", "folder/out.csv"):
        with pytest.raises(SystemExit):
            predict(tmp_path / "folder", output=output)
        assert f"{output} is in {tmp_path / 'folder'}, which is read." in capsys.readouterr().err
    assert part.read_bytes() == before
    assert list((tmp_path / "folder").iterdir()) == [part]
