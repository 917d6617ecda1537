"""`python -m preference predict` in a process of its own: what it knows, and what it imports."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
from fetch_runs import write_csv
from repository import REPOSITORY
from small_bundle import bundle_of, make_battles, small_manifest
from small_model import make_backbone, make_model

from preference import PreferenceJudge
from preference.battles.table import FIELDS
from preference.bundle.loading import Bundle
from preference.tokenizers.hugging_face import load_hugging_face_tokenizer


def test_a_hugging_face_tokenizer_is_known_to_a_process_that_only_predicts(tmp_path):
    """Where nothing but the command itself has been imported."""
    tokenizer = load_hugging_face_tokenizer(REPOSITORY / "tests/fixtures/hugging_face/bert")
    backbone = make_backbone(tokenizer.vocabulary_size())
    network, manifest = make_model(backbone=backbone), small_manifest()
    bundle_of(network, tokenizer, manifest, tmp_path / "bert")
    rows = make_battles(9)
    write_csv(tmp_path / "in.csv", rows)
    python = [sys.executable, "-X", "importtime", "-m", "preference"]
    command = [*python, "predict", "--model", tmp_path / "bert"]
    done = subprocess.run(
        [*command, tmp_path / "in.csv", tmp_path / "out.csv"],
        cwd=REPOSITORY,
        check=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    imported = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert {"tensorflow", "keras"} <= imported
    # What is installed, and would only delay the first prediction.
    slow = {"jax._src", "kagglehub.config", "pandas.core", "sklearn.base", "scipy.optimize"}
    assert slow.isdisjoint(imported)
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["id"].tolist() == [int(row["id"]) for row in rows]
    judge = PreferenceJudge(Bundle(manifest, network, tokenizer))
    texts = [[json.loads(row[name]) for name in FIELDS] for row in rows]
    expected = [(one.a_wins, one.b_wins, one.tie) for one in judge.compare_many(texts)]
    np.testing.assert_allclose(table.iloc[:, 1:], expected, atol=1e-6)
