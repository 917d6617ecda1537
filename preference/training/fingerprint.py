"""What a training is: parameters, data, code, first weights and device, all but one as a hash."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from preference.config.experiment import Experiment, shown_parameters
from preference.runtime.provenance import hash_file, hash_files, hash_text, library_versions

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent


def identify_training(
    experiment: Experiment, seed: int, data: Sequence[Path], model: keras.Model
) -> dict[str, str]:
    """Return what is equal for two trainings that give the same bytes, and for no others.

    Args:
        experiment: what is trained.
        data: files, or folders with files, that the training reads.
        model: with the weights that it begins with: a preset's are not in its name.
    """
    files = [file for path in data for file in sorted([path, *path.rglob("*")]) if file.is_file()]
    parameters = {**shown_parameters(experiment), "preset": experiment.model.preset, "seed": seed}
    return {
        "parameters": _digest(parameters),
        "data": _digest(hash_files(files)),
        "code": _digest({**_hash_code(), **library_versions(experiment.train.backend)}),
        "weights": _digest_weights(model),
        "device": ", ".join(_device_names()),
    }


def _hash_code() -> dict[str, str]:
    """Return the hashes of all modules of this repository; a stage's own is `__main__`.

    Where the library is installed, its modules lie in the environment and count all the same.
    """
    named = (getattr(module, "__file__", None) for module in [*sys.modules.values()])
    files = {Path(file).resolve() for file in named if file}
    environment = Path(sys.prefix).resolve()
    ours = [
        file
        for file in files
        if PACKAGE in file.parents or (ROOT in file.parents and environment not in file.parents)
    ]
    return {file.relative_to(ROOT).as_posix(): hash_file(file) for file in sorted(ours)}


def _device_names() -> list[str]:
    """Return the names of all devices, on JAX also of the other processes."""
    if keras.backend.backend() == "jax":
        import jax

        return [f"{device.device_kind} of {device.process_index}" for device in jax.devices()]
    return [device.name for device in tf.config.list_physical_devices()]


def _digest_weights(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _digest(values: Mapping[str, object]) -> str:
    return hash_text(json.dumps(values, sort_keys=True, default=str))
