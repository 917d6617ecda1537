"""The pinned file of the hub: read `pin.yaml`, and check a downloaded file against it."""

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
    """A file of a data set's repository, with its revision, size in bytes and hash.

    `battles` is the number of rows, from which the hours of a run are estimated.
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
        BadInput: the file is not YAML, a key is missing, or a value has the wrong type or form.
    """
    try:
        # Strict dataclasses accept mappings only from JSON.
        return TypeAdapter(Pin).validate_json(json.dumps(read_yaml(PIN_FILE, PIN_NAME)))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        ]
        raise BadInput(f"{PIN_NAME}, correct it: {'; '.join(problems)}") from error


def check_pin(file: DownloadedFile, pin: Pin) -> None:
    """Check that a file is the pinned one.

    Raises:
        BadInput: the size or the hash differs; the message says what to do.
    """
    if (file.size, file.sha256) == (pin.size, pin.sha256):
        return
    raise BadInput(
        f"{file.path} is not the file that {PIN_NAME} names. Expected {pin.size} bytes with "
        f"sha256 {pin.sha256}, found {file.size} bytes with sha256 {file.sha256}. Delete the file "
        "and run again. If the error stays, the hub's file has changed: if you trust it, write its "
        f"size and sha256 into {PIN_NAME}."
    )
