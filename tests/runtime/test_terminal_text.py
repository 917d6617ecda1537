"""What others wrote cannot command a terminal, wherever it is shown."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from preference.battles.table import BATTLE_SCHEMA
from preference.judge import predict_file as file_prediction
from preference.judge.unreadable_rows import UnreadableRows
from preference.runtime.terminal_text import one_line, printable
from preference.sources.ingest import parse_battles
from preference.sources.source import BattleSource

COMMANDS = "\x1b[2J\x1b]0;title\x07 \x9b2J \u202e \u2066 \u200b \r\x0b\x0c\x85\u2028\u2029 \x00\x7f"


@given(st.text() | st.text(st.sampled_from(COMMANDS + "ab ")))
def test_every_text_is_one_printable_line(text):
    line = printable(text)
    assert line.isprintable() and "  " not in line
    kept = [character for character in text if character.isprintable() and character != " "]
    shown = [character for character in line if character not in " \ufffd"]
    assert shown == [character for character in kept if character != "\ufffd"]


def test_a_long_text_is_cut_and_shows_that_it_is():
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("x" * 11, 10) == "x" * 9 + "…"


def told(capsys):
    """Stderr without the carriage returns and line ends of progress bars."""
    lines = capsys.readouterr().err.replace("\r", "").replace("\n", "")
    assert lines.isprintable(), ascii(lines)
    return lines


def test_the_name_of_a_bundle_beside_the_progress_bar(tmp_path, monkeypatch, capsys):
    judge = SimpleNamespace(
        name=f"{COMMANDS}exp2" + "x" * 500,
        prior=[0.2, 0.3, 0.5],
        predict=lambda battles, advance: np.full((len(battles), 3), 1 / 3),
    )
    monkeypatch.setattr(file_prediction.PreferenceJudge, "load", lambda *_: judge)
    source = tmp_path / "battles.csv"
    source.write_text("id,prompt,response_a,response_b\n" + '1,"[""p""]","[""a""]","[""b""]"\n')
    file_prediction.predict_file(tmp_path, source, tmp_path / "out.csv")
    line = told(capsys)
    assert "predict \ufffd[2J" in line and "1 battles" in line and len(line) < 300


def test_the_names_of_files_and_what_rows_hold(capsys):
    rows = UnreadableRows(Path(f"{COMMANDS}.csv"), strict=False)
    rows.add(f"{COMMANDS}.csv, line 3", f"a {COMMANDS} b")
    rows.summarize(2)
    assert ".csv, line 3: a" in told(capsys)


def test_the_names_of_the_files_in_a_folder(capsys):
    row = {name: '["x"]' for name in ("prompt", "response_a", "response_b")}
    source = BattleSource("mine", {f"{COMMANDS}.csv": [(2, {"id": "1", **row, "winner_tie": "1"})]})
    list(parse_battles([source], BATTLE_SCHEMA, []))
    assert "read \ufffd[2J" in told(capsys)
