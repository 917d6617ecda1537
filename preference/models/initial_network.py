"""The network that a training starts from (`train.initial`), as the stage `initialize` leaves it.

data/initial_networks/<experiment>/
    initial.json                   the bundle that the network is from; null where there is none
    model.json, model.weights.h5   the network
data/initial_tokenizers/
    bundles.json                   the bundles, each once
    <name of the bundle>/          its tokenizer
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from preference.config.validation import Count, Sha256, Text, checked
from preference.runtime.strict_json import read_checked, to_json

INITIAL_NETWORKS = Path("data/initial_networks")
INITIAL_TOKENIZERS = Path("data/initial_tokenizers")
RECORD, BUNDLES, STAGE = "initial.json", "bundles.json", "initialize"


@checked
class InitialNetwork:
    """A bundle that a training starts from.

    Args:
        file: the zip file of the bundle, or the `bundle.json` of its folder.
        sha256: of this file, which has the hashes of all others.
        data: sha256 of the files that the bundle's own training read.
        fold: number of the fold it was trained on; None where the battles were split once.
    """

    file: Text
    sha256: Sha256
    data: Mapping[Text, Sha256]
    fold: Count | None


def write_initial(initial: InitialNetwork | None, folder: Path) -> None:
    """Write `initial.json`; `folder` is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    values = asdict(initial) if initial else None
    (folder / RECORD).write_text(to_json(values, indent=2), encoding="utf-8")


def read_initial(folder: Path) -> InitialNetwork:
    """Read `initial.json` of an experiment that starts from a bundle.

    Raises:
        BadInput: it is missing or damaged, or the experiment started from none.
    """
    return read_checked(InitialNetwork, folder / RECORD, STAGE)


def tokenizer_folder(bundle: str, folder: Path = INITIAL_TOKENIZERS) -> Path:
    """Return the folder that has the tokenizer of a bundle, which is named by its path."""
    return folder / Path(bundle).name


def write_tokenizers(bundles: Sequence[str], folder: Path) -> None:
    """Write `bundles.json`; `folder` is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLES).write_text(to_json(bundles, indent=2), encoding="utf-8")


def read_tokenizers() -> list[str]:
    """Return the bundles whose tokenizers there are.

    Raises:
        BadInput: `bundles.json` is damaged.
    """
    if not INITIAL_TOKENIZERS.exists():
        return []
    return read_checked(list[str], INITIAL_TOKENIZERS / BUNDLES, STAGE)
