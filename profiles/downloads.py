"""What a run will download: the battles, and the weights of each preset."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import keras_nlp
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from arena55k.download import is_downloaded
from arena55k.pin import read_pin
from preference.hugging_face_hub import CONFIG_AND_TOKENIZER, SAFETENSORS, SCHEME, TORCH
from preference.params import Params
from preference.presets import TRAINED_FROM_SCRATCH

BYTES_A_PARAMETER = 4


@dataclass(frozen=True)
class Download:
    """What and how much: `size` in bytes, None where nobody says before it begins.

    `cached` is whether it lies on this machine already.
    """

    what: str
    size: int | None
    cached: bool = False


def list_downloads(params: Params) -> list[Download]:
    """Return what `fetch`, `preprocess` and the trainings download, the battles first."""
    presets = {params.experiment(name).model.preset for name in params.experiments}
    weights = [find for preset in sorted(presets) if (find := _find_weights(preset))]
    return [*_find_battles(params.data.source), *weights]


def _find_battles(source: str) -> list[Download]:
    if source == "arena55k":
        pin = read_pin()
        return [Download(f"{pin.file} of {pin.repository}", pin.size, is_downloaded(pin))]
    if source == "kaggle":
        return [Download("the competition's train.csv from Kaggle", None)]
    return []


def _find_weights(preset: str) -> Download | None:
    if preset in TRAINED_FROM_SCRATCH or Path(preset).is_dir():
        return None
    if preset.startswith(SCHEME):
        return _find_repository(preset.removeprefix(SCHEME))
    known = keras_nlp.models.Backbone.presets.get(preset, {}).get("metadata", {})
    parameters = known.get("params")
    return Download(preset, parameters and parameters * BYTES_A_PARAMETER)


def _find_repository(repository: str) -> Download:
    for weights in (SAFETENSORS, TORCH):
        try:
            patterns = [*CONFIG_AND_TOKENIZER, *weights]
            folder = snapshot_download(repository, allow_patterns=patterns, local_files_only=True)
        except LocalEntryNotFoundError:
            break
        if any(file for pattern in weights for file in Path(folder).glob(pattern)):
            return Download(SCHEME + repository, 0, cached=True)
    return Download(SCHEME + repository, _size_in_hub(repository))


def _size_in_hub(repository: str) -> int | None:
    """Ask the hub; what it refuses here, the run will meet and explain."""
    try:
        files = HfApi().model_info(repository, files_metadata=True).siblings or []
    except (HfHubHTTPError, OSError):
        return None
    sizes = {file.rfilename: file.size or 0 for file in files}
    formats = [_size_of(sizes, weights) for weights in (SAFETENSORS, TORCH)]
    weights = next((size for size in formats if size), 0)
    return _size_of(sizes, CONFIG_AND_TOKENIZER) + weights


def _size_of(sizes: dict[str, int], patterns: tuple[str, ...]) -> int:
    return sum(
        size for name, size in sizes.items() if any(fnmatch(name, pattern) for pattern in patterns)
    )
