"""What DVC does with parameters and files of the user before anything is trained."""

import json

import pytest
from pipeline_runs import copy_repository, edit_params, read_metrics, run, stages_run


@pytest.fixture
def clone(tmp_path):
    """A clone in which no stage has run."""
    return copy_repository(tmp_path / "clone")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.sequence_length": 64}, "unknown key model.sequence_length"),
        ({"model.seq_len": "long"}, "model.seq_len"),
        ({"model.seq_len": 4}, "model.seq_len"),
        ({"model.preset": "deberta_v9"}, "there is no preset 'deberta_v9'"),
        ({"data.source": "missing.csv"}, "there is no file or folder 'missing.csv'"),
        ({"data.source": "huggingface"}, "data.hub is empty. Name the data set"),
        (
            {"evaluation.known_prompts": ["data/known_prompts/none.csv"]},
            "data/known_prompts/none.csv does not exist. Put the file there",
        ),
    ],
)
def test_bad_params_stop_with_a_clear_error(clone, changes, message):
    edit_params(clone, changes)
    output = run("dvc", "repro", folder=clone, succeeds=False)
    assert message in output
    assert "Traceback" not in output


def test_a_changed_source_file_is_noticed(clone):
    row = {
        "prompt": '["Which?"]',
        "response_a": '["This."]',
        "response_b": '["That."]',
        "winner_model_a": 1,
        "winner_model_b": 0,
        "winner_tie": 0,
    }
    source = clone / "battles.jsonl"
    source.write_text("".join(json.dumps({"id": number, **row}) + "\n" for number in range(3)))
    edit_params(clone, {"data.source": "battles.jsonl"})
    run("dvc", "repro", "fetch", folder=clone)
    assert stages_run(run("dvc", "repro", "fetch", folder=clone)) == set()
    with source.open("a") as file:
        file.write(json.dumps({"id": 3, **row}) + "\n")
    assert stages_run(run("dvc", "repro", "fetch", folder=clone)) == {"fetch"}
    assert read_metrics(clone, "data.json")["rows_kept"] == 4
