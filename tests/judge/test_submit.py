"""The stage `submit`: its default battles, and an output that is never written through a link."""

import csv
from types import SimpleNamespace

import pytest
from small_bundle import make_battles, write_bundle

from preference.config.params import SubmitParams
from preference.judge.predict_file import predict_file
from preference.runtime.errors import BadInput
from preference.sources.readers import read_source_rows
from stages import submit


def test_the_submission_takes_the_place_of_a_link_and_the_cache_stays(tmp_path, monkeypatch):
    """As DVC makes outputs where its cache.type is symlink."""
    model = write_bundle(tmp_path / "models" / "small")
    battles, expected = tmp_path / "in.csv", tmp_path / "expected.csv"
    rows = make_battles(3)
    with battles.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    predict_file(model, battles, expected)
    cached, submission = tmp_path / "cached", tmp_path / "data" / "submission.csv"
    cached.write_text("cached")
    submission.parent.mkdir()
    submission.symlink_to(cached)
    # Where a user has given the name, the link may be a mistake.
    with pytest.raises(BadInput, match="is a link to"):
        predict_file(model, battles, submission)
    params = SubmitParams(model="small", battles="in.csv", both_orders=False)
    monkeypatch.setattr(submit, "load_params", lambda: SimpleNamespace(submit=params))
    monkeypatch.chdir(tmp_path)
    submit.main()
    assert not submission.is_symlink() and cached.read_text() == "cached"
    assert submission.read_bytes() == expected.read_bytes()


def test_the_example_is_what_its_command_writes(tmp_path, monkeypatch):
    from data.examples import simulate

    committed = simulate.OUTPUT
    monkeypatch.setattr(simulate, "OUTPUT", tmp_path / "battles.csv")
    simulate.main()
    assert (tmp_path / "battles.csv").read_bytes() == committed.read_bytes()
    rows = list(read_source_rows(committed, labelled=False))
    assert len(rows) == 20
    assert not any(name.startswith("winner") for _, row in rows for name in row)
