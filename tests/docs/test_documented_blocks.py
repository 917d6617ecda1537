"""Every block of shell or Python on a page runs, or `NOT_RUN` says why a test cannot run it."""

import json
import re
import shutil
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documentation import PAGES, fences, name_of
from pipeline_runs import copy_repository, run
from small_bundle import make_battles, write_bundle

ALL = "It runs the whole pipeline, as tests/pipeline/test_pipeline.py does."
INSTALLS = "It installs packages, or runs all tests."
TRAINS = (
    "It trains; tests/pipeline/test_pipeline.py runs the same commands on a small configuration."
)
YOURS = "It names a file, a folder or a data set that the reader has to provide."
HOSTS = "It needs several hosts or devices; tests/training tests what it starts."
# The start of each block that is not run, by its page.
NOT_RUN = {
    ("README.md", "make repro"): ALL,
    ("README.md", "git commit -am"): TRAINS,
    ("README.md", "dvc exp run -S data.source"): YOURS,
    (".github/CONTRIBUTING.md", "make setup"): INSTALLS,
    (".github/CONTRIBUTING.md", "make test"): INSTALLS,
    ("docs/index.md", "make repro"): ALL,
    ("docs/collaboration.md", "dvc remote add"): YOURS,
    ("docs/collaboration.md", "make pr-report"): "It reproduces two commits, which takes minutes.",
    ("docs/data.md", "dvc exp run -S data.source=path"): YOURS,
    ("docs/data.md", "dvc exp run -S data.source=arena55k"): YOURS,
    ("docs/distributed.md", "dvc exp run -S train.backend=jax"): HOSTS,
    ("docs/distributed.md", "#!/bin/sh\n#SBATCH"): HOSTS,
    ("docs/distributed.md", 'variables="JAX_COORDINATOR_ADDRESS'): HOSTS,
    ("docs/experiments.md", "source .venv/bin/activate\ndvc repro"): TRAINS,
    ("docs/experiments.md", "dvc repro          # trains"): TRAINS,
    ("docs/experiments.md", "dvc exp run -S 'train.seeds"): TRAINS,
    ("docs/experiments.md", "python -m simulated votes.csv"): TRAINS,
    ("docs/evaluation.md", "dvc exp run -S split.folds"): TRAINS,
    ("docs/evaluation.md", "dvc exp run -S 'evaluation.known_prompts"): YOURS,
    ("docs/experiments.md", "python -m checks.recipes"): "tests/checks/recipes trains so.",
    ("docs/experiments.md", "dvc exp run --queue"): "tests/pipeline/test_sweep.py runs a sweep.",
    ("docs/experiments.md", "for rate in"): "tests/pipeline/test_sweep.py runs a sweep.",
    ("docs/experiments.md", "make profile"): "It runs the small pipeline, which takes minutes.",
    ("docs/gpu.md", "python -m checks.benchmarks.gpu\n"): "It measures a GPU for 8 minutes.",
    ("docs/gpu.md", "make gpu-wheels"): "It downloads packages.",
    ("docs/gpu.md", "python3 -m pip install"): "It installs packages, and measures a GPU.",
    ("docs/leaderboard.md", "source .venv/bin/activate\ndvc repro"): ALL,
    ("docs/prediction.md", "#!/bin/sh\n#SBATCH"): "tests/judge/test_shards.py runs it.",
    ("docs/prediction.md", "dvc exp run -S submit.battles"): YOURS,
    ("docs/pretrained.md", "dvc exp run -S model.preset"): "It downloads weights.",
    ("docs/pretrained.md", "dvc exp run -S data.source=hh"): YOURS,
    (
        "docs/pretrained.md",
        "make arena55k",
    ): "It downloads battles and weights, and trains.",
}
LANGUAGES = {"", "json", "python", "sh", "yaml"}
BLOCKS = [
    (name_of(page), language, content)
    for page in PAGES
    for language, content in fences(page)
    if language in ("python", "sh")
]


def starts_of(page, content):
    return [key for key in NOT_RUN if key[0] == page and content.startswith(key[1])]


def blocks_to_run(language):
    """Return the blocks to run; one that another begins with is run as a part of it."""
    asked = [
        content
        for page, found, content in BLOCKS
        if found == language and not starts_of(page, content)
    ]
    return sorted(
        {one for one in asked if not any(other != one and other.startswith(one) for other in asked)}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the repository with all that the blocks read: a bundle, battles and results."""
    folder = copy_repository(tmp_path_factory.mktemp("documented") / "repository")
    for name in ("exp1", "exp2"):
        write_bundle(folder / "models" / name)
    rows = [
        {name: int(text) if name == "id" else json.loads(text) for name, text in row.items()}
        for row in make_battles(5)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "battles.parquet")
    votes = pd.DataFrame(make_battles(5)).assign(winner="model_a")
    votes.to_csv(folder / "votes.csv", index=False)
    for name, part in {"first": "comparison-2026-11-26", "second": "variants-2026-11-26"}.items():
        results = folder / "docs/results/benchmarks-gpu" / f"{part}.jsonl"
        shutil.copy(results, folder / f"{name}.jsonl")
    # The environment of the tests takes the place of the one that `make setup` installs.
    activate = folder / ".venv/bin/activate"
    activate.parent.mkdir(parents=True)
    activate.touch()
    return folder


def test_every_block_has_a_language_that_is_known():
    found = {(name_of(page), language) for page in PAGES for language, _ in fences(page)}
    assert {language for _, language in found} <= LANGUAGES, found


def test_what_is_not_run_is_exactly_one_block():
    matched = [key for page, _, content in BLOCKS for key in starts_of(page, content)]
    assert sorted(matched) == sorted(NOT_RUN)


def test_blocks_for_the_shell_run(folder):
    for block in blocks_to_run("sh"):
        run("bash", "-e", "-c", block, folder=folder)
    assert len(pd.read_csv(folder / "predictions.csv")) == 20
    assert len((folder / "predictions.jsonl").read_text().splitlines()) == 5
    assert zipfile.is_zipfile(folder / "exp2.zip")
    page = (folder / "docs/results/benchmarks-gpu.md").read_text()
    assert page.count("Made by `python -m checks.benchmarks.gpu") == 2


@pytest.mark.parametrize("block", blocks_to_run("python"))
def test_a_block_of_python_runs(folder, block, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    exec(block, {})
    winner, *probabilities = re.split(r"\s+", capsys.readouterr().out.strip())
    assert winner in ("A", "B", "tie")
    assert sum(map(float, probabilities)) == pytest.approx(1)
