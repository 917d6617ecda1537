"""Which stages read a file or an experiment's values, and what DVC says of that."""

from pipeline_runs import run_json
from repository import REPOSITORY

from preference.runtime.yaml_file import read_yaml

EXPERIMENTS = read_yaml(REPOSITORY / "params.yaml")["experiments"]
SHARING = [
    name for name, changed in EXPERIMENTS.items() if "seq_len" not in changed.get("model", {})
]


def each(stage, names=tuple(EXPERIMENTS)):
    """Return the names of the stages that DVC makes from a template."""
    return {f"{stage}@{name}" for name in names}


TRAININGS = {f"train_{name}" for name in EXPERIMENTS}


READERS = {
    "preference/report/verdict.py": {"report"},
    "preference/bundle/templates/model_card.md.j2": {
        *each("bundle"),
        "initialize",
        "blend",
        "submit",
    },
    "preference/statistics/paired_tests.py": {
        *each("bundle"),
        "initialize",
        "blend",
        "evaluate",
        "leaderboard",
        "report",
        "submit",
    },
    "preference/evaluation/slices.py": {"evaluate"},
    "preference/sources/row_parser.py": {"configure", "fetch", "evaluate", "submit"},
    "preference/splitting/stratified.py": {"split"},
    "preference/features/text_measures.py": {
        "initialize",
        "featurize",
        "train_reference",
        "predict_reference",
        "submit",
    },
    "preference/references/linear_features.py": {"train_reference", "predict_reference", "submit"},
    "preference/training/optimizer.py": TRAININGS,
    "preference/models/heads.py": {"initialize", *TRAININGS, *each("predict"), "submit"},
    "preference/prediction/predictor.py": {*each("predict"), "submit"},
}


def trained_again(names):
    """The stages that have the values of these experiments among their deps."""
    stages = ("train_", "predict@", "bundle@")
    return {"initialize", "blend", "evaluate", "leaderboard"} | {
        f"{stage}{name}" for stage in stages for name in names
    }


def read_status(folder):
    """Return the changed files, folders and parameters that each stage depends on."""
    found = {}
    for stage, changes in run_json("dvc", "status", folder=folder).items():
        (deps,) = (change["changed deps"] for change in changes)
        found[stage] = {*deps.pop("params.yaml", {}), *deps}
    return found
