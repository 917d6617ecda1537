"""What a training is: its parameters, its data and its code, each as a hash."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from preference.bundle_writer import hash_files, library_versions, resolved_parameters
from preference.params import Params

OUR_PACKAGES = ("preference", "stages")


def identify_training(params: Params, seed: int, data: Sequence[Path]) -> dict[str, str]:
    """Return hashes by `parameters`, `data` and `code`: equal for trainings that give the same.

    Args:
        params: of the experiment.
        data: files, or folders with files, that the training reads.
    """
    files = [file for path in data for file in sorted([path, *path.rglob("*")]) if file.is_file()]
    parameters = {**resolved_parameters(params), "preset": params.model.preset, "seed": seed}
    return {
        "parameters": _digest(parameters),
        "data": _digest(hash_files(files)),
        "code": _digest({**hash_files(_our_files()), **library_versions()}),
    }


def _our_files() -> list[Path]:
    modules = (sys.modules[name] for name in sys.modules if name.split(".")[0] in OUR_PACKAGES)
    files = {Path(module.__file__) for module in modules if module.__file__}
    return sorted(file.relative_to(Path(__file__).parents[1]) for file in files)


def _digest(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
