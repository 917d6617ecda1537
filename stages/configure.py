"""Check params.yaml, and write the resolved parameters of each experiment to a file of its own.

    python -m stages.configure

Reads params.yaml and the first rows of data/known_prompts/; writes data/config/. Errors in
params.yaml are found here, in a second and before anything is downloaded or trained.
"""

from pathlib import Path

from preference.config.experiment import write_experiments
from preference.config.params import load_params
from preference.presets.resolve import check_preset
from preference.runtime.errors import BadInput, exit_on_bad_input
from preference.runtime.stage_lock import running_alone
from preference.sources.known_prompts import check_known_prompts

HUGGING_FACE = "huggingface"
NAMED_SOURCES = ("simulated", "arena55k", "kaggle", HUGGING_FACE)


def main() -> None:
    """Check the parameters of each experiment, and write them."""
    params = load_params()
    check_source(params.data.source, params.data.hub)
    check_known_prompts(params.evaluation.known_prompts)
    for name in params.experiments:
        experiment = params.experiment(name)
        if experiment.train.initial is None:
            check_preset(experiment.model.preset)
        else:
            check_initial(experiment.train.initial)
    write_experiments(params)


def check_source(source: str, hub: str) -> None:
    """Check that `data.source` exists: DVC would stop at the next stage, and suggest no remedy.

    Raises:
        BadInput: it is not one of `NAMED_SOURCES`, a file or a folder, or `data.hub` is missing.
    """
    if source.startswith("hf://"):
        raise BadInput(
            f"params.yaml: data.source: DVC takes {source} as the path of a dependency. Write it "
            f"as data.hub, and data.source: {HUGGING_FACE}."
        )
    if source == HUGGING_FACE and not hub:
        raise BadInput(
            "params.yaml: data.hub is empty. Name the data set, as in "
            "hf://datasets/organization/name@revision."
        )
    if source not in NAMED_SOURCES and not Path(source).exists():
        raise BadInput(
            f"params.yaml: data.source: there is no file or folder {source!r}. Correct the path, "
            f"or choose one of {', '.join(NAMED_SOURCES)}."
        )


def check_initial(path: str) -> None:
    """Check that the bundle that a training starts from exists; `initialize` checks its content.

    Raises:
        BadInput: it does not exist.
    """
    if not Path(path).exists():
        raise BadInput(
            f"params.yaml: train.initial: there is no {path}. Copy the bundle there, such as the "
            "folder models/exp2 of another run, or its zip file, or correct the name."
        )


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("configure"):
        main()
