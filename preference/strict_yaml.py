"""YAML without repeated keys, of which PyYAML would silently keep the last."""

from collections import Counter
from typing import Any

import yaml


def parse_yaml(text: str) -> Any:  # noqa: ANN401
    """Return the value that a YAML text describes; it builds no objects of Python's.

    Raises:
        yaml.YAMLError: it is not YAML, or repeats a key.
    """
    _check_keys(yaml.compose(text, yaml.SafeLoader), seen=set())
    return yaml.safe_load(text)


def _check_keys(node: yaml.Node | None, seen: set[int]) -> None:
    # An alias is the node that it names, which may hold the alias.
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    else:
        children = [value for _, value in node.value]
        _check_unique([key for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
    for child in children:
        _check_keys(child, seen)


def _check_unique(keys: list[yaml.ScalarNode]) -> None:
    counts = Counter(key.value for key in keys)
    for key in reversed(keys):
        if counts[key.value] > 1:
            line = key.start_mark.line + 1
            raise yaml.YAMLError(f"line {line} repeats the key {key.value}. Remove one of them")
