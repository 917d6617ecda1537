"""Read, write and edit YAML files as DVC does: YAML 1.2, by ruamel.yaml, with DVC's settings.

Guarantees
1. Values are read as DVC reads them, so that a stage runs with what `dvc params diff` shows.
2. Only mappings with text keys, lists, texts, numbers, true, false and null are accepted. Others,
   such as dates, tags and numbers as keys, are refused, and the message names the line.
3. Reading a file that was written here gives the same values.
4. A hostile file costs at most seconds and little memory: its length, its nesting, and the number
   of values that its aliases stand for are bounded.
"""

import io
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.error import YAMLWarning
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line

# ruamel.yaml reads 50,000 characters a second.
LONGEST_FILE = 2**18
# A value counts once for each alias of it. Nested aliases multiply, and an alias inside of its own
# value has no end.
MOST_VALUES = 10_000
# In characters: more than a 64-bit number has. Python refuses to convert thousands of digits.
LONGEST_NUMBER = 20
SHOWN_CHARACTERS = 40

TAG = "tag:yaml.org,2002:"
TEXT, MERGE, WHOLE_NUMBER = TAG + "str", TAG + "merge", TAG + "int"
VALUES = {TEXT, WHOLE_NUMBER, *(TAG + kind for kind in ("float", "bool", "null", "map", "seq"))}


def read_yaml(path: Path, name: str | None = None) -> dict[str, Any]:
    """Read a file whose top level is a mapping.

    Args:
        path: the file.
        name: what messages call the file; its path by default.

    Returns:
        The values as DVC reads them.

    Raises:
        BadInput: the file cannot be read, is not such YAML, or is too large. The message names the
            file, and the line where the error is known to be in one.
    """
    name = name or str(path)
    text = _read_text(path, name)
    yaml = YAML(typ="safe")
    # DVC, too, accepts an anchor's name that is used again: the last one counts.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", YAMLWarning)
        with _refusing(
            name,
            text,
            "Look for a %YAML line, or an escaped character such as \\U00110000, and remove it.",
        ):
            top = yaml.compose(text)
        if not isinstance(top, MappingNode):
            raise BadInput(
                f"{name} has no keys at its top. Write lines like `seed: 1`, and sections, into it."
            )
        _check_values(top, name)
        with _refusing(name, text, "Correct the value."):
            return yaml.constructor.construct_document(top)


def write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file that `read_yaml` and DVC read as the same values in the same order."""
    yaml = YAML()
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump(values, stream)
    path.write_text(stream.getvalue(), encoding="utf-8")


def edit_yaml(path: Path, changes: Mapping[str, Any]) -> None:
    """Change values of a YAML file, as `merge_values` does. Its comments are lost.

    Raises:
        BadInput: the file cannot be read.
    """
    write_yaml(path, merge_values(read_yaml(path), changes))


def merge_values(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of nested values with some of them changed or added.

    Args:
        values: the content of a YAML file.
        changes: new values. A key may be dotted, as `train.epochs`. A mapping changes the section
            of its key and leaves the other values there; a section that is missing is added.
    """
    merged = dict(values)
    for dotted, value in changes.items():
        key, _, rest = dotted.partition(".")
        if rest:
            value = {rest: value}
        if isinstance(value, Mapping):
            section = merged.get(key)
            value = merge_values(section if isinstance(section, Mapping) else {}, value)
        merged[key] = value
    return merged


@contextmanager
def _refusing(name: str, text: str, advice: str) -> Iterator[None]:
    """Report what ruamel.yaml raises on a text that it cannot read."""
    try:
        yield
    except YAMLError as error:
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = _line_of(error, text)
        raise BadInput(
            f"{name} is not valid YAML: line {line}: {problem}. Correct this line."
        ) from error
    except RecursionError as error:
        raise BadInput(f"{name} is nested too deep. Write fewer brackets or levels.") from error
    # On a tag before a value of another type, a character that does not exist, or an unknown
    # version of YAML.
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise BadInput(f"{name} is not valid YAML: {problem}. {advice}") from error


def _read_text(path: Path, name: str) -> str:
    if not path.is_file():
        raise BadInput(f"{name} is no file. Put a YAML file there.")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_FILE + 1)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{name} is not valid YAML: byte {error.start + 1} is not UTF-8. Save it as UTF-8."
        ) from error
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}.") from error
    if len(text) > LONGEST_FILE:
        raise BadInput(
            f"{name} has more than {LONGEST_FILE:,} characters. Keep nothing but parameters in it."
        )
    return text


def _check_values(top: MappingNode, name: str) -> None:
    """Refuse values that are not parameters, and too many values.

    Nodes are checked before they are converted to values, because merging many aliases takes hours.
    """
    left: list[Node] = [top]
    for _ in range(MOST_VALUES):
        if not left:
            return
        node = left.pop()
        _check_kind(node, name)
        if isinstance(node, MappingNode):
            for key, value in node.value:
                _check_key(key, name)
                left.append(value)
        elif not isinstance(node, ScalarNode):
            left += node.value
    raise BadInput(
        f"{name} has more than {MOST_VALUES:,} values, counting all that its aliases (*name) stand "
        "for. Write values out where they belong."
    )


def _check_key(key: Node, name: str) -> None:
    if key.tag not in (TEXT, MERGE):
        raise BadInput(f"{_place(key, name)} is no key, because it is no text. Put it in quotes.")
    if isinstance(key, ScalarNode):
        _check_characters(key, name)


def _check_kind(node: Node, name: str) -> None:
    if node.tag not in VALUES:
        kind = one_line((node.tag or "").removeprefix(TAG), SHOWN_CHARACTERS)
        raise BadInput(
            f"{_place(node, name)} is of the kind {kind!r}. Write a text (in quotes), a number, "
            "true, false, null, a list or a section."
        )
    if not isinstance(node, ScalarNode):
        return
    if node.tag == WHOLE_NUMBER and len(node.value) > LONGEST_NUMBER:
        raise BadInput(f"{_place(node, name)} is too long for a number. Write a smaller one.")
    if node.tag == TEXT:
        _check_characters(node, name)


def _check_characters(node: ScalarNode, name: str) -> None:
    """Refuse surrogates, which cannot be written to a file, and terminal control characters."""
    for character in node.value:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n":
            raise BadInput(f"{_place(node, name)} holds the character {character!a}. Remove it.")


def _place(node: Node, name: str) -> str:
    shown = one_line(node.value, SHOWN_CHARACTERS) if isinstance(node, ScalarNode) else "the value"
    return f"{name}, line {node.start_mark.line + 1}: {shown}"


def _line_of(error: YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
