"""dvc.yaml tells the truth: what a stage imports and reads is what it depends on, no more."""

import ast
from pathlib import Path

import pytest
import yaml
from repository import REPOSITORY

from preference.config.params import load_params

SOURCE = "${data.source}"
SOURCE_PACKAGES = ("simulated", "arena55k", "kaggle")
PIPELINE = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]
PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
EXPERIMENTS = list(PARAMS["experiments"])
GROWING = ("metrics/plots", "metrics/report.html")
SHARED = {f"{section}.{key}" for section in ("text", "model", "train") for key in PARAMS[section]}
# It changes no result.
SHARED -= {"train.checkpoint_minutes"}


def file_of(module):
    path = REPOSITORY.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.exists()), None)


def imported_modules(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_files(file, found=None):
    found = set() if found is None else found
    if file not in found:
        found.add(file)
        for module in imported_modules(file):
            if imported := file_of(module):
                imported_files(imported, found)
    return found


def code_of(stage):
    """The files that a stage's command runs; what a source's package holds is the source."""
    module = STAGES[stage]["cmd"].split(" -m ")[1].split()[0]
    files = (file.relative_to(REPOSITORY).as_posix() for file in imported_files(file_of(module)))
    return {SOURCE if file.split("/")[0] in SOURCE_PACKAGES else file for file in files}


def test_the_stages_are_the_named_ones():
    names = {"fetch", "split", "preprocess", "train_reference", "evaluate", "report", "submit"}
    assert set(STAGES) == names | {f"train_{name}" for name in EXPERIMENTS}
    assert EXPERIMENTS == ["baseline", "exp1", "exp2", "exp3"]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_imports(stage):
    declared = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py") or dep == SOURCE}
    assert declared == {file for file in code_of(stage) if not file.endswith("__init__.py")}


@pytest.mark.parametrize("package", SOURCE_PACKAGES)
def test_a_source_is_imported_only_where_it_is_chosen(package):
    """So that a run on a file needs no source's code, and DVC need not watch it."""
    importing = {
        (file.relative_to(REPOSITORY).as_posix(), node.col_offset > 0)
        for folder in ("preference", "stages")
        for file in (REPOSITORY / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == package
    }
    assert importing == {("preference/sources/open_sources.py", True)}


WHILE_IMPORTING = [
    "from preference.runtime.stop_signals import end_at_once_while_importing",
    "end_at_once_while_importing()",
]


@pytest.mark.parametrize("package", ["preference", "stages"])
def test_packages_that_are_no_deps_hold_no_code_that_changes_a_result(package):
    docstring, *nodes = ast.parse((REPOSITORY / package / "__init__.py").read_text()).body
    assert isinstance(docstring.value, ast.Constant)
    # What a user imports from the package is no part of a stage.
    public = [
        node for node in nodes if ast.unparse(node).startswith(("__all__", "def __getattr__"))
    ]
    assert [ast.unparse(node) for node in nodes if node not in public] == WHILE_IMPORTING
    assert len(public) == (2 if package == "preference" else 0)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_training_depends_on_what_it_inherits(name):
    overridden = {
        f"{section}.{key}"
        for section, values in PARAMS["experiments"][name].items()
        for key in values
    }
    expected = {"seed", f"experiments.{name}"} | (SHARED - overridden)
    assert set(STAGES[f"train_{name}"]["params"]) == expected


def test_trainings_differ_in_nothing_but_their_params():
    deps = [STAGES[f"train_{name}"]["deps"] for name in EXPERIMENTS]
    assert all(dep == deps[0] for dep in deps)


def test_every_model_is_an_artifact():
    artifacts = PIPELINE["artifacts"]
    assert list(artifacts) == EXPERIMENTS
    for name, artifact in artifacts.items():
        assert artifact["path"] in STAGES[f"train_{name}"]["outs"]
        assert artifact["type"] == "model"
        assert artifact["desc"] and artifact["labels"]


def test_a_training_depends_on_the_template_of_its_card():
    assert "preference/bundle/templates/model_card.md.j2" in STAGES["train_baseline"]["deps"]


def test_preprocess_depends_on_every_preset():
    overriding = {
        f"experiments.{name}.model.preset"
        for name, sections in PARAMS["experiments"].items()
        if "preset" in sections.get("model", {})
    }
    assert set(STAGES["preprocess"]["params"]) == {"tokenizer", "model.preset"} | overriding


def test_only_evaluate_reads_the_test_split():
    split = "data/split/test.parquet"
    assert [name for name, stage in STAGES.items() if split in stage["deps"]] == ["evaluate"]
    readers = [
        file.name
        for file in (REPOSITORY / "stages").glob("*.py")
        if '"test"' in file.read_text() or "test.parquet" in file.read_text()
    ]
    assert readers == ["evaluate.py"]


def test_evaluate_depends_on_all_params_so_that_a_mistyped_key_is_noticed():
    assert {"params.yaml": None} in STAGES["evaluate"]["params"]


def test_metrics_are_in_git_and_all_else_that_grows_with_the_rows_is_not():
    for stage in STAGES.values():
        for out in [*stage["outs"], *stage.get("metrics", [])]:
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            small = path.startswith("metrics/") and path not in GROWING
            assert small == (options == {"cache": False}), path


def test_every_cached_output_is_ignored_in_advance():
    for stage in STAGES.values():
        for out in stage["outs"]:
            if isinstance(out, str):
                path = Path(out)
                ignored = (REPOSITORY / path.parent / ".gitignore").read_text().split()
                assert f"/{path.name}" in ignored


def test_load_params_reads_the_same_file():
    assert list(load_params(REPOSITORY / "params.yaml").experiments) == EXPERIMENTS
