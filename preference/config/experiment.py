"""Resolved experiments: the files that `configure` writes for the stages of each experiment.

`data/config/<name>.json` holds exactly the values that decide what an experiment learns. Its
training stage depends on this file, so that a changed value re-trains only the experiments that
have it. `data/config/index.json` lists the experiments in order, each with the digest of its file.
`data/config/presets.json` lists the presets, and instead of a preset the bundle that an experiment
starts from; `preprocess` makes tokens for the tokenizer of each.
`data/config/features.json` says of each experiment whether `featurize` makes features for it.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from preference.config.data_params import TextParams
from preference.config.model_params import ModelParams, TrainParams
from preference.config.params import EXPERIMENT_NAME, Params, load_params
from preference.config.validation import Count, Seed, Sha256, checked
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_text
from preference.runtime.strict_json import read_checked, to_json

CONFIG = Path("data/config")
INDEX, PRESETS, FEATURES = "index.json", "presets.json", "features.json"
STAGE = "configure"

Name = Annotated[str, Field(pattern=f"^{EXPERIMENT_NAME}$")]


@checked
class Experiment:
    """An experiment with all its values; `seeds` has at least one, one for each training run.

    `folds` has the fold of each run, and is empty where the battles are split once.
    """

    name: Name
    seeds: Annotated[list[Seed], Field(min_length=1)]
    text: TextParams
    model: ModelParams
    train: TrainParams
    folds: list[Count] = Field(default_factory=list)

    @property
    def tokenizer(self) -> str:
        """The preset or, where the experiment starts from a bundle, the bundle."""
        return self.train.initial or self.model.preset


@checked
class IndexEntry:
    """An experiment's name, seeds and folds of its training runs, and sha256 of its values."""

    name: Name
    seeds: Annotated[list[Seed], Field(min_length=1)]
    digest: Sha256
    folds: list[Count] = Field(default_factory=list)


# Where the battles are split once, None stands for the fold of every run.
Runs = Experiment | IndexEntry


def fold_of(runs: Runs, seed: int) -> int | None:
    """Return the fold of the training run with this seed."""
    return runs.folds[runs.seeds.index(seed)] if runs.folds else None


def seeds_of(runs: Runs, fold: int | None) -> list[int]:
    """Return the seeds of the training runs of a fold, one for each repetition."""
    return [seed for seed in runs.seeds if fold_of(runs, seed) == fold]


def list_folds(entries: Sequence[IndexEntry]) -> list[int | None]:
    """Return the folds, which are those of every experiment."""
    return list(dict.fromkeys(fold_of(entries[0], seed) for seed in entries[0].seeds))


def resolve_experiment(params: Params, name: str) -> Experiment:
    """Return an experiment of params.yaml with the shared values that it does not override.

    Raises:
        BadInput: there is no such experiment, or an override is unknown or of the wrong type.
    """
    resolved = params.experiment(name)
    # `checkpoint_minutes` is left out, because it changes no result.
    train = {field.name: getattr(resolved.train, field.name) for field in fields(TrainParams)}
    seeds, folds = resolved.training_seeds(), params.split.folds
    return Experiment(
        name=name,
        seeds=seeds,
        text=resolved.text,
        model=resolved.model,
        train=TrainParams(**train),
        folds=[1 + number % folds for number in range(len(seeds))] if folds > 1 else [],
    )


def write_experiments(params: Params, folder: Path = CONFIG) -> None:
    """Write a file for each experiment and the lists of all, and replace the old folder."""
    experiments = [resolve_experiment(params, name) for name in params.experiments]
    index = [_to_values(entry) for entry in map(_describe, experiments)]
    presets = sorted({experiment.tokenizer for experiment in experiments})
    features = {experiment.name: experiment.model.features for experiment in experiments}
    with writing_folder(folder) as partial:
        for experiment in experiments:
            (partial / f"{experiment.name}.json").write_text(_to_text(experiment), "utf-8")
        (partial / INDEX).write_text(to_json(index, indent=2), "utf-8")
        (partial / PRESETS).write_text(to_json(presets, indent=2), "utf-8")
        (partial / FEATURES).write_text(to_json(features, indent=2), "utf-8")


def read_experiment(name: str, folder: Path = CONFIG) -> Experiment:
    """Read the values of an experiment.

    Raises:
        BadInput: there is no such experiment, or its file is damaged.
    """
    path = folder / f"{name}.json"
    if (folder / INDEX).exists() and not path.exists():
        names = ", ".join(entry.name for entry in read_index(folder))
        raise BadInput(
            f"there is no experiment {name!r}; there are {names}. Add it under `experiments` in "
            f"params.yaml, and run `dvc repro {STAGE}`."
        )
    return read_checked(Experiment, path, STAGE)


def read_present_experiment(name: str) -> Experiment:
    """Read the values of an experiment, and check that params.yaml still has the same values.

    Raises:
        BadInput: there is no such experiment, its file is damaged, or params.yaml has changed.
    """
    experiment = read_experiment(name)
    if experiment != resolve_experiment(load_params(), name):
        raise BadInput(
            f"{CONFIG / name}.json is of other parameters than params.yaml: run `dvc repro "
            f"{STAGE}` first, or this stage without --single-item."
        )
    return experiment


def read_index(folder: Path = CONFIG) -> list[IndexEntry]:
    """Read the list of experiments, in the order of params.yaml.

    Raises:
        BadInput: the file is missing or damaged.
    """
    return read_checked(list[IndexEntry], folder / INDEX, STAGE)


def read_presets(folder: Path = CONFIG) -> list[str]:
    """Read the presets, or the bundles in their place, each once, in alphabetical order.

    Raises:
        BadInput: the file is missing or damaged.
    """
    return read_checked(list[str], folder / PRESETS, STAGE)


def read_features(folder: Path = CONFIG) -> dict[str, bool]:
    """Read which experiments use dense features, in the order of params.yaml.

    Raises:
        BadInput: the file is missing or damaged.
    """
    return read_checked(dict[Name, bool], folder / FEATURES, STAGE)


def digest_of(experiment: Experiment) -> str:
    """Return the sha256 of an experiment's values, as it is in the index."""
    return hash_text(_to_text(experiment))


def shown_parameters(experiment: Experiment, fold: int | None = None) -> dict[str, dict[str, Any]]:
    """Return the sections of an experiment for publication, without the path of a preset's folder.

    The path is private, and differs between machines. Those of a training run on a fold say which.
    """
    sections = {name: _to_values(experiment)[name] for name in ("text", "model", "train")}
    if fold:
        sections["split"] = {"folds": max(experiment.folds), "fold": fold}
    preset = Path(sections["model"]["preset"])
    if preset.is_absolute():
        sections["model"]["preset"] = preset.name
    return sections


def _describe(experiment: Experiment) -> IndexEntry:
    return IndexEntry(
        name=experiment.name,
        seeds=experiment.seeds,
        digest=digest_of(experiment),
        folds=experiment.folds,
    )


def _to_text(experiment: Experiment) -> str:
    return to_json(_to_values(experiment), indent=2)


def _to_values(runs: Runs) -> dict[str, Any]:
    """Return the values as they are written, without `folds` and `features` where unused."""
    values = {name: value for name, value in asdict(runs).items() if name != "folds" or value}
    if isinstance(runs, Experiment) and not runs.model.features:
        del values["model"]["features"]
    return values
