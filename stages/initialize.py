"""Take out of bundles the networks that trainings start from (`train.initial`).

    python -m stages.initialize

Reads data/config/ and the bundles in data/initial/, which are checked as for a prediction; writes
for each experiment data/initial_networks/<experiment>/, a network and which bundle it is from, or
that there is none, and for each bundle its tokenizer below data/initial_tokenizers/.
"""

from pathlib import Path

from preference.config.experiment import (
    Experiment,
    read_experiment,
    read_index,
    shown_parameters,
)
from preference.models.initial_network import (
    INITIAL_NETWORKS,
    INITIAL_TOKENIZERS,
    tokenizer_folder,
    write_initial,
    write_tokenizers,
)
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import BadInput, exit_on_bad_input
from preference.runtime.stage_lock import running_alone


def main() -> None:
    """Write the folders of each experiment and of each bundle."""
    experiments = [read_experiment(entry.name) for entry in read_index()]
    with writing_folder(INITIAL_NETWORKS) as networks, writing_folder(INITIAL_TOKENIZERS) as folder:
        for experiment in experiments:
            initialize(experiment, networks / experiment.name, folder)
        bundles = {one.train.initial: None for one in experiments if one.train.initial}
        write_tokenizers([*bundles], folder)


def initialize(experiment: Experiment, folder: Path, tokenizers: Path) -> None:
    """Write the network that an experiment starts from, or that there is none.

    Args:
        experiment: the experiment.
        folder: of the network.
        tokenizers: has a folder for each bundle.

    Raises:
        BadInput: the bundle cannot be used.
    """
    path = experiment.train.initial
    if path is None:
        write_initial(None, folder)
        return
    # Imported here, because it takes seconds and is seldom needed.
    from preference.bundle.first_network import unpack_network

    preset = shown_parameters(experiment)["model"]["preset"]
    try:
        tokenizer = tokenizer_folder(path, tokenizers)
        write_initial(unpack_network(Path(path), preset, folder, tokenizer), folder)
    except BadInput as error:
        raise BadInput(f"params.yaml, train.initial of {experiment.name}: {error}") from error


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("initialize"):
        main()
