"""The name of a data set: `hf://datasets/organization/name@revision/config:split`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from preference.runtime.errors import BadInput

NAMED_BY = "data.hub in params.yaml"
EVERY_SPLIT = "all"
NAME = re.compile(
    r"(?:hf://datasets/)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/:@]+))?"
    r"(?:/(?P<config>[^:@]+?))?/?(?::(?P<split>[\w.-]+))?"
)


@dataclass(frozen=True)
class DatasetName:
    """A repository with, perhaps, a revision, a config and a split; None where it is not named."""

    repository: str
    revision: str | None
    config: str | None
    split: str | None


def parse_name(text: str) -> DatasetName:
    """Parse the name of a data set. In a revision, `%2F` stands for a slash.

    Raises:
        BadInput: it has another form.
    """
    name = NAME.fullmatch(text)
    if name is None:
        raise BadInput(
            f"{NAMED_BY} is {text!r}: write it as hf://datasets/organization/name@revision, with "
            "/config and :split after it where they are needed."
        )
    parts = name.groupdict()
    return DatasetName(**parts | {"revision": parts["revision"] and unquote(parts["revision"])})
