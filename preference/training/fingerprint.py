"""Identify a training run by its parameters, data, code, initial weights and device."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from preference.config.experiment import Experiment, fold_of, shown_parameters
from preference.models.precision import choose_precision
from preference.runtime.provenance import hash_file, hash_files, hash_text, library_versions

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent


def identify_training(
    experiment: Experiment, seed: int, data: Sequence[Path], model: keras.Model
) -> dict[str, str]:
    """Return the identity of a training run: two runs with the same one give the same bytes.

    Args:
        experiment: what is trained.
        seed: of the run.
        data: files, or folders with files, that the run reads.
        model: with its initial weights, because the name of a preset does not determine them.

    Returns: hashes of `parameters`, `data`, `code` and `weights`, and the names of the devices.
    """
    files = [file for path in data for file in sorted([path, *path.rglob("*")]) if file.is_file()]
    parameters = {
        **shown_parameters(experiment, fold_of(experiment, seed)),
        "preset": experiment.model.preset,
        "precision": choose_precision(experiment.train.precision),
        "seed": seed,
    }
    return {
        "parameters": _digest(parameters),
        "data": _digest(hash_files(files)),
        "code": _digest({**_hash_code(), **library_versions(experiment.train.backend)}),
        "weights": _digest_weights(model),
        "device": ", ".join(_device_names()),
    }


def _hash_code() -> dict[str, str]:
    """Return the hashes of all imported modules of this repository, the stage's own included.

    Modules of the library count too where it is installed in the environment.
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
    """Return the names of all devices, on JAX those of the other processes too."""
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
