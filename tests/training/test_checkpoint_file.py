"""A manipulated checkpoint is refused before it costs memory or writes to other files."""

import io
import json
import os
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from small_model import make_model

from preference.runtime.errors import BadInput
from preference.training.best_epoch import BestEpoch
from preference.training.checkpoint_file import (
    Checkpoint,
    read_checkpoint,
    read_progress,
    write_checkpoint,
)
from preference.training.checkpointing import Checkpoints, find_checkpoint

IDENTITY = {"data": "1", "code": "2"}
LOSSES = {"val_log_loss": 1.0, "val_accuracy": 0.4}
PROGRESS = {
    "identity": IDENTITY,
    "epoch": 1,
    "step": 0,
    "history": [LOSSES],
    "live": {"step": 3, "logged": [2, 1.5], "files": {"plots/metrics/train/log_loss.tsv": ""}},
    "finished": False,
}


def saved(path, progress=PROGRESS, arrays=None, save=np.savez):
    """Write a file as `write_checkpoint` does, with any content."""
    encoded = np.frombuffer(json.dumps(progress).encode(), np.uint8)
    with path.open("wb") as file:
        save(file, metadata=encoded, **(arrays or {"state/0": np.zeros((3, 4), np.float32)}))
    return path


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"identity": None}, "identity"),
        ({"identity": {"data": 1}}, "identity.data"),
        ({"epoch": -1}, "epoch"),
        ({"epoch": True}, "epoch"),
        ({"step": "0"}, "step"),
        ({"history": [{"val_log_loss": "x"}]}, "history.0.val_log_loss"),
        ({"history": [{"val_log_loss": 1.0}]}, "history.0: .*val_accuracy is missing"),
        ({"history": [{**LOSSES, "val_accuracy": 7.0}]}, "history.0: .*val_accuracy 7.0"),
        ({"history": [{**LOSSES, "val_log_loss": -5.0}]}, "history.0: .*val_log_loss is -5.0"),
        ({"finished": 1}, "finished"),
        ({"more": 1}, "more"),
        ({"live": {"step": 1, "logged": [1, 1.0], "files": {"../../x.tsv": ""}}}, "live.files"),
        ({"live": {"step": 1, "logged": [1, 1.0], "files": {"/x.tsv": ""}}}, "live.files"),
        ({"live": {"step": 1, "logged": [1, 1.0], "files": {".bashrc": ""}}}, "live.files"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_damage(tmp_path, changes, where):
    read_progress(saved(tmp_path / "good.npz"))
    path = saved(tmp_path / "bad.npz", {**PROGRESS, **changes})
    with pytest.raises(BadInput, match=rf"bad.npz is damaged \({where}"):
        read_progress(path)


def test_an_array_that_unpacks_to_more_than_the_file_is_damage(tmp_path):
    arrays = {"state/0": np.zeros(10**6)}
    path = saved(tmp_path / "small.npz", arrays=arrays, save=np.savez_compressed)
    with pytest.raises(BadInput, match=r"damaged \(metadata.npy is compressed"):
        read_checkpoint(path)


def test_an_array_without_its_values_is_damage(tmp_path):
    path = saved(tmp_path / "short.npz")
    header = io.BytesIO()
    numpy_header = {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(header, numpy_header)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("state/1.npy", header.getvalue())
    with pytest.raises(BadInput, match=r"state/1.npy is \(1000000000000,\), and has"):
        read_checkpoint(path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BadInput, match="not a regular file"):
        read_progress(tmp_path / "pipe.npz")


def test_the_identity_is_compared_before_arrays_are_read(tmp_path, capfd, monkeypatch):
    path = saved(tmp_path / "other.npz")
    monkeypatch.setattr("preference.training.checkpointing.read_checkpoint", pytest.fail)
    assert find_checkpoint(path, IDENTITY | {"data": "another"}) is None
    assert "of a training run with other data: it is not used" in capfd.readouterr().err


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["state", "best", "metrics"])
def test_a_checkpoint_with_nan_or_infinity_is_not_used(tmp_path, name, value, capfd):
    arrays = {f"{name}/0": np.array([1, value, 2], np.float32)}
    assert find_checkpoint(saved(tmp_path / "nan.npz", arrays=arrays), IDENTITY) is None
    said = capfd.readouterr().err
    assert f"holds NaN or infinity in {name}/0" in said and "starts from the beginning" in said


def restore(**changes):
    """Restore a run of two epochs of five steps."""
    model = make_model()
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    state = [np.asarray(each) for each in [*model.variables, *model.optimizer.variables]]
    values = {**PROGRESS, "state": state, "metrics": [], "best": model.get_weights(), **changes}
    train = SimpleNamespace(steps=5)
    checkpoints = Checkpoints("x.npz", IDENTITY, 1, train, None, Checkpoint(**values))
    checkpoints.restore(model, BestEpoch(2), epochs=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "it is at epoch 3, step 0"),
        ({"step": 5}, "it is at epoch 1, step 5"),
        ({"history": []}, "it has no losses of 1 epochs"),
        ({"best": []}, "best, 0 arrays for"),
        ({"state": [np.zeros(3)]}, "state, 1 arrays for"),
        ({"best": [np.zeros((3, 3), "f4")] * 24}, r"best, .* is float32 \(3, 3\), not float32 \("),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(changes, message):
    with pytest.raises(BadInput, match=rf"x.npz is damaged: {message}.* Delete it"):
        restore(**changes)


def test_a_whole_checkpoint_is_restored(tmp_path):
    restore()
    checkpoint = Checkpoint(**PROGRESS, state=[np.zeros(3)], metrics=[], best=[])
    write_checkpoint(checkpoint, tmp_path / "one.npz")
    assert find_checkpoint(tmp_path / "one.npz", IDENTITY).history == [LOSSES]
