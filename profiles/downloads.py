"""List the downloads of a run: the battles, and the weights of each preset."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import keras_nlp
from httpx2 import HTTPError
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from kagglehub.cache import Cache
from kagglehub.handle import parse_model_handle

from arena55k.download import is_downloaded
from arena55k.pin import read_pin
from preference.config.params import Params
from preference.presets.hub import NEEDED, SCHEME, WEIGHTS
from preference.presets.own_presets import TRAINED_FROM_SCRATCH

BYTES_PER_PARAMETER = 4


@dataclass(frozen=True)
class Download:
    """A download: its `size` is in bytes, None if it is unknown in advance.

    `cached` says whether it is on this machine already.
    """

    what: str
    size: int | None
    cached: bool = False


def list_downloads(params: Params) -> list[Download]:
    """Return the downloads of `fetch`, `preprocess` and the training stages, the battles first."""
    experiments = [params.experiment(name) for name in params.experiments]
    presets = {one.model.preset for one in experiments if one.train.initial is None}
    weights = [_find_weights(preset) for preset in sorted(presets)]
    return [*_find_battles(params.data.source, params.data.hub), *filter(None, weights)]


def _find_battles(source: str, hub: str) -> list[Download]:
    if source == "arena55k":
        pin = read_pin()
        return [Download(f"{pin.file} of {pin.repository}", pin.size, is_downloaded(pin))]
    if source == "kaggle":
        return [Download("the competition's train.csv from Kaggle", None)]
    if source == "huggingface":
        return [Download(hub, None)]
    return []


def _find_weights(preset: str) -> Download | None:
    if preset in TRAINED_FROM_SCRATCH or Path(preset).is_dir():
        return None
    if preset.startswith(SCHEME):
        return _find_repository(preset.removeprefix(SCHEME))
    known = keras_nlp.models.Backbone.presets.get(preset, {})
    parameters = known.get("metadata", {}).get("params")
    size = parameters * BYTES_PER_PARAMETER if parameters else None
    return Download(preset, size, _in_kaggle_cache(known.get("kaggle_handle", preset)))


def _in_kaggle_cache(handle: str) -> bool:
    try:
        parsed = parse_model_handle(handle.removeprefix("kaggle://"))
    except ValueError:
        return False
    return Cache().load_from_cache(parsed, "model.weights.h5") is not None


def _find_repository(repository: str) -> Download:
    what = SCHEME + repository
    if size := _size_in_cache(repository):
        return Download(what, size, cached=True)
    return Download(what, _size_in_hub(repository))


def _size_in_cache(repository: str) -> int:
    """Return the size of the weights in the cache, 0 if they are not in it."""
    try:
        found = snapshot_download(repository, allow_patterns=list(NEEDED), local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        return 0
    sizes = {file.name: file.stat().st_size for file in Path(found).iterdir() if file.is_file()}
    return _size_of(sizes, WEIGHTS)


def _size_in_hub(repository: str) -> int | None:
    """Return the size in the hub, None if it does not answer. The run itself will report why."""
    try:
        files = HfApi().model_info(repository, files_metadata=True).siblings or []
    except (HTTPError, OSError, HFValidationError):
        return None
    sizes = {file.rfilename: file.size or 0 for file in files}
    return _size_of(sizes, NEEDED)


def _size_of(sizes: dict[str, int], patterns: tuple[str, ...]) -> int:
    return sum(
        size for name, size in sizes.items() if any(fnmatch(name, pattern) for pattern in patterns)
    )
