"""Profiles: files with changes to params.yaml, for another machine or other data."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from preference.config.params import PARAMS_FILE, load_params
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import merge_values, read_yaml, write_yaml

PROFILES = Path("profiles")
QUOTATION_MARK = re.compile(r'(\\*)("|\Z)')

Values = Mapping[str, Any]


def read_profile(name: str, folder: Path = Path()) -> dict[str, Any]:
    """Read `profiles/<name>.yaml` of a repository.

    Raises:
        BadInput: there is no such profile, or it cannot be read as YAML.
    """
    path = PROFILES / f"{name}.yaml"
    if not (folder / path).exists():
        known = ", ".join(sorted(one.stem for one in (folder / PROFILES).glob("*.yaml")))
        raise BadInput(f"there is no {path}. The profiles are: {known or 'none'}.")
    return read_yaml(folder / path, str(path))


def check_profile(name: str, folder: Path = Path()) -> dict[str, Any]:
    """Read a profile, and check that params.yaml with its values is valid.

    Raises:
        BadInput: there is no such profile, or params.yaml may not have one of its keys or values.
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
    """Yield a temporary copy of params.yaml with the values of a profile."""
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / PARAMS_FILE
        write_yaml(merged, merge_values(read_yaml(folder / PARAMS_FILE), profile))
        yield merged


def flatten(profile: Values, section: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its dotted key, such as `train.epochs`. An empty section is a value."""
    for key, value in profile.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{section}{key}.")
        else:
            yield f"{section}{key}", value


def assignments(profile: Values) -> list[str]:
    """Return the values as arguments of DVC's `--set-param`, in Hydra's override grammar.

    `++` sets a key even if params.yaml does not have it, such as a further override of an
    experiment.

    Raises:
        BadInput: a text has a special meaning for DVC.
    """
    return [f"++{key}={_as_hydra(key, value)}" for key, value in flatten(profile)]


def _as_hydra(key: str, value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(_as_hydra(key, one) for one in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    if "${" in value or value == "???":
        raise BadInput(f"{key}: DVC gives ${{ and ??? a meaning of its own. Write it without.")
    # In Hydra, a backslash is an escape character only before a quotation mark.
    escaped = QUOTATION_MARK.sub(lambda found: found[1] * 2 + found[2].replace('"', '\\"'), value)
    return f'"{escaped}"'
