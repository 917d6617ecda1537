"""Profiles: files of only what differs from params.yaml, for another machine or other data."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from preference.errors import BadInput
from preference.params import PARAMS_FILE, load_params

PROFILES = Path("profiles")

Values = Mapping[str, Any]


def read_profile(name: str, folder: Path = Path()) -> dict[str, Any]:
    """Read `profiles/<name>.yaml` of a repository.

    Raises:
        BadInput: there is no such profile, or it is not YAML with sections as in params.yaml.
    """
    path = PROFILES / f"{name}.yaml"
    if not (folder / path).exists():
        known = ", ".join(sorted(one.stem for one in (folder / PROFILES).glob("*.yaml")))
        raise BadInput(f"there is no {path}. The profiles are: {known or 'none'}.")
    return _read_mapping(folder / path)


def check_profile(name: str, folder: Path = Path()) -> dict[str, Any]:
    """Read a profile, and check that params.yaml with its values is valid.

    Raises:
        BadInput: as `read_profile`; or a key or value is not one that params.yaml may have.
    """
    profile = read_profile(name, folder)
    with merged_params(profile, folder) as merged:
        try:
            load_params(merged)
        except BadInput as error:
            raise BadInput(f"{PROFILES / name}.yaml, together with {error}") from error
    return profile


@contextmanager
def merged_params(profile: Values, folder: Path = Path()) -> Iterator[Path]:
    """Yield a temporary file: params.yaml with a profile's values."""
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / PARAMS_FILE
        merged.write_text((folder / PARAMS_FILE).read_text(encoding="utf-8"), encoding="utf-8")
        write_into_params(profile, merged)
        yield merged


def write_into_params(profile: Values, path: Path) -> None:
    """Put a profile's values into a params.yaml; its comments are lost."""
    params = _overlay(_read_mapping(path), profile)
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def flatten(profile: Values, section: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its dotted key, like `train.epochs`."""
    for key, value in profile.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{section}{key}.")
        else:
            yield f"{section}{key}", value


def assignments(profile: Values) -> list[str]:
    """Return the values as DVC's `--set-param` takes them.

    `++` sets a key whether or not params.yaml has it: an experiment may override one more. JSON is
    in the grammar in which DVC reads a value (Hydra's).
    """
    return [f"++{key}={json.dumps(value, ensure_ascii=False)}" for key, value in flatten(profile)]


def _overlay(params: Values, profile: Values) -> dict[str, Any]:
    changed = {
        key: _overlay(params.get(key) or {}, value) if isinstance(value, Mapping) else value
        for key, value in profile.items()
    }
    return {**params, **changed}


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise BadInput(f"{path} holds no sections: write it like params.yaml, e.g. seed: 1.")
    return values
