"""Which file of the hub is meant: `pin.yaml`, and whether a downloaded file is that one."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml
from preference.sources.source import DownloadedFile

PIN_FILE = Path(__file__).with_name("pin.yaml")
PIN_NAME = "arena55k/pin.yaml"


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Pin:
    """A data set's repository and revision, the file in it, its size in bytes and its hash.

    `battles` is how many rows it has, from which a run's hours are estimated.
    """

    repository: Annotated[str, Field(pattern="^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    revision: Annotated[str, Field(pattern="^[0-9a-f]{40}$")]
    file: str
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    battles: Annotated[int, Field(ge=1)]


def read_pin() -> Pin:
    """Read `pin.yaml`.

    Raises:
        BadInput: it is not YAML, lacks a key, or has a value of the wrong type or form.
    """
    try:
        # As JSON, because strict dataclasses take mappings from nothing else.
        return TypeAdapter(Pin).validate_json(json.dumps(read_yaml(PIN_FILE, PIN_NAME)))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        ]
        raise BadInput(f"{PIN_NAME}, correct it: {'; '.join(problems)}") from error


def check_pin(file: DownloadedFile, pin: Pin) -> None:
    """Stop where the file is not the pinned one.

    Raises:
        BadInput: its size or hash differs; the message says what to do in either case.
    """
    if (file.size, file.sha256) == (pin.size, pin.sha256):
        return
    raise BadInput(
        f"{file.path} is not the file that {PIN_NAME} names. Expected {pin.size} bytes with "
        f"sha256 {pin.sha256}, found {file.size} bytes with sha256 {file.sha256}. Delete the file "
        "and run again. If the same comes again, it is the hub's file that differs: where you "
        f"trust it, write its size and sha256 into {PIN_NAME}."
    )
