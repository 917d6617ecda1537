"""Hostile bundles through prediction: refused in one line, or used for sound probabilities.

make fuzz     # 10,000 bundles; each refusal within 2 s of processor time and 1 GiB of memory
"""

import contextlib
import csv
import gc
import io
import math
import re
import shutil
import time
import warnings
from pathlib import Path

import keras
import pytest
from bundle_with_features import FILE as FEATURES
from bundle_with_features import write_bundle_with_features
from hostile_bundles import (
    ARCHITECTURE,
    MANIFEST,
    SETTINGS,
    VOCABULARY,
    WEIGHTS,
    hostile_archives,
    hostile_files,
    read_files,
    write_folder,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from small_bundle import make_battles, write_bundle

from preference.judge.predict_file import predict_file
from preference.runtime.errors import exit_on_bad_input

PROBABILITIES = ("winner_model_a", "winner_model_b", "winner_tie")
# How the error begins that is about predictions; it has the name in the manifest.
UNUSABLE_PREDICTIONS = "error: small: some of its predictions"
# What a refusal may take where `make fuzz` measures it.
REFUSAL_SECONDS, REFUSAL_BYTES = 2, 2**30
IS_MEASURED = settings.get_current_profile_name() == "fuzz"
reproducible = settings(
    derandomize=True,
    # There are seven kinds of hostile bundles: 10,000 examples in all, or 105 in `make test`.
    max_examples=1429 if IS_MEASURED else 15,
    # Hypothesis does not look for a smaller example of a failure, for each try costs as much.
    phases=[Phase.explicit, Phase.generate],
)


class Files(dict):
    """The content of files; a failing example must not print it."""

    def __repr__(self):
        return f"{len(self)} files"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The files of a sound bundle."""
    return Files(read_files(write_bundle(tmp_path_factory.mktemp("sound") / "small")))


@pytest.fixture(scope="module")
def sound_with_features(tmp_path_factory):
    """The files of a sound bundle whose head reads features."""
    folder = tmp_path_factory.mktemp("sound") / "small"
    return Files(read_files(write_bundle_with_features(folder)))


@pytest.fixture(scope="module")
def battles(tmp_path_factory):
    """A file of one battle that can be read, and of a row that cannot."""
    path = tmp_path_factory.mktemp("battles") / "battles.csv"
    (row,) = make_battles(1)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, row)
        writer.writeheader()
        writer.writerows([row, {**row, "id": "5", "prompt": "no list"}])
    return path


def predict(model: Path, battles: Path, both_orders: bool) -> list[list[float]] | str:
    """Return the probabilities, or the error where the model is refused as it should be."""
    output = battles.with_name("predictions.csv")
    output.unlink(missing_ok=True)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), exit_on_bad_input():
            predict_file(model, battles, output, both_orders)
    except SystemExit as end:
        assert end.code == 1
        (line,) = re.findall(r"^error: .*$", said.getvalue().replace("\r", "\n"), re.MULTILINE)
        assert str(model) in line or line.startswith(UNUSABLE_PREDICTIONS)
        assert line.isprintable()
        assert not output.exists()
        return line
    with output.open(newline="") as stream:
        return [[float(row[name]) for name in PROBABILITIES] for row in csv.DictReader(stream)]


def memory_in_use(name: str) -> int:
    """Return bytes that this process has in memory (VmRSS), or had at most (VmHWM)."""
    (kibibytes,) = re.findall(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(kibibytes) * 1024


def check(model: Path, battles: Path, both_orders: bool) -> bool:
    """Predict with a hostile model; return whether it was used."""
    if IS_MEASURED:
        # The graphs of earlier examples, which Keras keeps, are not the cost of this one.
        keras.backend.clear_session()
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
    memory, seconds = memory_in_use("VmRSS"), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = predict(model, battles, both_orders)
    if isinstance(found, str):
        if IS_MEASURED:
            assert memory_in_use("VmHWM") - memory < REFUSAL_BYTES
            # Weights that are finite one by one are refused only after the model was traced.
            if not found.startswith(UNUSABLE_PREDICTIONS):
                assert time.process_time() - seconds < REFUSAL_SECONDS, found
        return False
    assert len(found) == 2
    for row in found:
        assert all(0 <= one <= 1 for one in row)
        assert math.fsum(row) == pytest.approx(1, abs=1e-6)
    return True


def check_folder(files, battles, both_orders):
    folder = battles.with_name("hostile")
    shutil.rmtree(folder, ignore_errors=True)
    write_folder(files, folder)
    return check(folder, battles, both_orders)


@pytest.fixture(scope="module", autouse=IS_MEASURED)
def frozen_objects(sound, battles):
    """Spare the examples a look at all of TensorFlow's objects, which takes longer than they do."""
    assert check_folder(sound, battles, both_orders=False)
    gc.collect()
    gc.freeze()


def test_what_is_sound_is_used(sound, sound_with_features, battles):
    assert check_folder(sound, battles, both_orders=False)
    assert check_folder(sound_with_features, battles, both_orders=False)


@pytest.mark.parametrize("name", [MANIFEST, ARCHITECTURE, WEIGHTS, SETTINGS, VOCABULARY])
@given(data=st.data(), both_orders=st.booleans())
@reproducible
def test_a_hostile_file(sound, battles, name, data, both_orders):
    files = data.draw(hostile_files(sound, name).map(Files))
    check_folder(files, battles, both_orders)


@given(data=st.data(), both_orders=st.booleans())
@reproducible
def test_a_hostile_file_of_features(sound_with_features, battles, data, both_orders):
    files = data.draw(hostile_files(sound_with_features, FEATURES).map(Files))
    check_folder(files, battles, both_orders)


@given(data=st.data())
@reproducible
def test_a_hostile_archive(sound, battles, data):
    archive = battles.with_name("hostile.zip")
    (content,) = data.draw(hostile_archives(sound).map(lambda one: Files({"zip": one}))).values()
    archive.write_bytes(content)
    check(archive, battles, both_orders=False)
