"""The `deps` of a stage in dvc.yaml are exactly what it imports and reads."""

import ast
from pathlib import Path, PurePosixPath

import pytest
import yaml
from repository import REPOSITORY

from preference.config.params import load_params

SOURCE = "${data.source}"
SOURCE_PACKAGES = ("simulated", "arena55k", "kaggle", "huggingface")
PIPELINE = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]
# A stage with `foreach` has its template under `do`.
TEMPLATES = {name: stage.get("do", stage) for name, stage in STAGES.items()}
PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
EXPERIMENTS = list(PARAMS["experiments"])
GROWING = (
    "metrics/leaderboard.csv",
    "metrics/learning_curves",
    "metrics/plots",
    "metrics/report.html",
)
CODE = ("preference", "stages")
MOST_LINES_OF_A_TRAINING = 10


def place_of(text):
    """Return the file and the line where a text stands in dvc.yaml, for a message."""
    lines = (REPOSITORY / "dvc.yaml").read_text().splitlines()
    number = next((number for number, line in enumerate(lines, 1) if text in line), 1)
    return f"dvc.yaml:{number}"


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
    module = TEMPLATES[stage]["cmd"].split(" -m ")[1].split()[0]
    files = (file.relative_to(REPOSITORY).as_posix() for file in imported_files(file_of(module)))
    return {
        SOURCE if file.split("/")[0] in SOURCE_PACKAGES else file
        for file in files
        if not file.endswith("__init__.py")
    }


def is_within(file, dep):
    return file == dep or PurePosixPath(dep) in PurePosixPath(file).parents


def test_the_stages_are_the_named_ones():
    names = {"configure", "fetch", "split", "preprocess", "featurize", "predict", "bundle"}
    names |= {"initialize"}
    names |= {"train_reference", "predict_reference", "blend", "evaluate", "leaderboard"}
    names |= {"report", "submit"}
    trainings = {f"train_{name}" for name in EXPERIMENTS}
    for name in trainings - set(STAGES):
        pytest.fail(f"params.yaml has an experiment without a stage: add {name} to dvc.yaml")
    for name in set(STAGES) - names - trainings:
        pytest.fail(f"{place_of(f'  {name}:')}: params.yaml has no experiment for stage {name}")
    assert names <= set(STAGES)
    for name in ("predict", "bundle"):
        assert STAGES[name]["foreach"] == "${experiments}", place_of(f"  {name}:")


@pytest.mark.parametrize("stage", STAGES)
def test_deps_hold_every_import_and_no_package_beside(stage):
    deps = [dep for dep in TEMPLATES[stage]["deps"] if dep == SOURCE or dep.startswith(CODE)]
    imported = code_of(stage)
    missing = [file for file in imported if not any(is_within(file, dep) for dep in deps)]
    assert not missing, f"{place_of(f'  {stage}:')}: {stage} imports them"
    unused = [dep for dep in deps if not any(is_within(file, dep) for file in imported)]
    assert not unused, f"{place_of(f'  {stage}:')}: {stage} does not import them"
    assert all((REPOSITORY / dep).exists() for dep in deps if dep != SOURCE)


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
    readers = {("preference/sources/open_sources.py", True)}
    # The leaderboard knows the true ratings of the simulated models.
    truth = {("preference/leaderboard/truth.py", True)} if package == "simulated" else set()
    assert importing == readers | truth


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
def test_a_training_is_short_and_its_own(name):
    stage = STAGES[f"train_{name}"]
    assert stage["cmd"].endswith(f" -m stages.train {name}")
    assert stage["params"] == [f"experiments.{name}"]
    assert f"data/config/{name}.json" in stage["deps"]
    # A training runs again when the bundle that it starts from has changed.
    assert f"data/initial_networks/{name}" in stage["deps"]
    assert "data/initial" in STAGES["initialize"]["deps"]
    assert "data/initial_tokenizers" in STAGES["preprocess"]["deps"]
    text = (REPOSITORY / "dvc.yaml").read_text().split(f"  train_{name}:\n")[1]
    lines = text.split("\n\n")[0].splitlines()
    assert len(lines) < MOST_LINES_OF_A_TRAINING


def test_trainings_differ_in_nothing_but_their_names():
    def without(name):
        stage = {key: value for key, value in STAGES[f"train_{name}"].items() if key != "desc"}
        return repr(stage).replace(name, "NAME")

    first, *others = EXPERIMENTS
    for name in others:
        assert without(name) == without(first), place_of(f"  train_{name}:")


def test_an_artifact_is_the_bundle_of_an_experiment():
    for name, artifact in PIPELINE["artifacts"].items():
        assert name in EXPERIMENTS, place_of(f"  {name}: {{path")
        assert artifact["path"] == f"models/{name}"
        assert artifact["type"] == "model"


def test_only_evaluate_and_the_leaderboard_read_the_labels_of_test():
    """Who has no battles, or no ids of test, cannot know a label of test."""
    split, battles = "data/split/test.parquet", "data/battles.parquet"
    readers = [
        name
        for name, stage in TEMPLATES.items()
        if any(is_within(split, dep) for dep in stage["deps"])
    ]
    assert readers == ["predict", "predict_reference", "evaluate", "leaderboard"]
    knowing = [name for name in readers if battles in TEMPLATES[name]["deps"]]
    # References read the texts; tests/evaluation/test_test_labels.py shows that they use no label.
    assert knowing == ["predict_reference", "evaluate", "leaderboard"]


def test_configure_reads_all_params_so_that_a_mistyped_key_is_noticed_first():
    assert STAGES["configure"]["params"] == [{"params.yaml": None}]


def test_metrics_are_in_git_and_all_else_that_grows_with_the_rows_is_not():
    for stage in TEMPLATES.values():
        for out in [*stage["outs"], *stage.get("metrics", []), *stage.get("plots", [])]:
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            small = path.startswith("metrics/") and not path.startswith(GROWING)
            assert small == (options.get("cache") is False), path


def test_every_cached_output_is_ignored_in_advance():
    for stage in TEMPLATES.values():
        for out in stage["outs"]:
            if isinstance(out, str):
                top, name = Path(out).parts[:2]
                ignored = (REPOSITORY / top / ".gitignore").read_text().split()
                assert f"/{name}" in ignored or "/*" in ignored, out


def test_load_params_reads_the_same_file():
    assert list(load_params(REPOSITORY / "params.yaml").experiments) == EXPERIMENTS
