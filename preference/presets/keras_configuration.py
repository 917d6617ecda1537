"""Check the classes and arguments of a Keras configuration before Keras reads it.

Keras imports modules and looks up classes by name, and calls them with the arguments in the file.
Everything that is not listed in `preference.presets.keras_arguments` is refused.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import keras
import keras_nlp  # noqa: F401, registers its backbones and tokenizers
from pydantic import TypeAdapter, ValidationError

from preference.presets.keras_arguments import (
    ALL_LAYERS,
    INITIALIZERS,
    TOKENIZERS,
    Part,
)
from preference.presets.keras_objects import TENSOR, GeluApproximate, KerasObject
from preference.runtime.errors import BadInput

ALL_CLASSES = {**ALL_LAYERS, **INITIALIZERS, **TOKENIZERS, "keras.DTypePolicy": {}}
# The classes that the objects in an argument may have.
PARTS = {Part.INITIALIZER: INITIALIZERS, Part.LAYER: ALL_LAYERS, Part.LAYERS: ALL_LAYERS}
# Query, key, value, output, two dense layers and two norms, with two variables each.
ENCODER_VARIABLES = 16
# A model with the large BERT has 45 layers, and calls each of them once.
MOST_LAYERS = 150
# Characters of a value that a message shows.
LONGEST_VALUE = 60
# The only layer that calls another layer twice, and the only one that may double a vector.
DOUBLING = ("OrderEquivariant", "AppendFeatures")


def check_classes(config: object) -> None:
    """Check all classes that occur anywhere in a Keras configuration.

    Raises:
        BadInput: a class is not allowed; the message names it.
    """
    for each in _objects(config):
        if "class_name" in each and not _is_allowed(each):
            raise BadInput(
                f"it asks for the class {each['class_name']!r} of {each.get('module')!r}, "
                "which no model of ours has: it is of another origin, and may hold code"
            )


def check_object(config: object, classes: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the class and the arguments of an object, and those of all objects in it.

    Args:
        config: as `keras.saving.serialize_keras_object` writes it.
        classes: a table of `preference.presets.keras_arguments`.

    Raises:
        BadInput: a class or an argument is not in the table, or a value has another type or is out
            of its range; the message names it.
    """
    label = config.get("class_name") if isinstance(config, dict) else type(config).__name__
    checked: KerasObject = _check_value(KerasObject, config, _shortened(label))
    name = class_of(checked)
    if name not in classes or not _is_allowed(checked):
        raise BadInput(f"it has the class {checked['class_name']!r} where none of ours has it")
    check_arguments(name, checked["config"])


def check_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    """Check the arguments of a class by its name in `preference.presets.keras_arguments`.

    Raises:
        BadInput: as `check_object`.
    """
    types, label = ALL_CLASSES[name], name.rpartition(">")[2].rpartition(".")[2]
    for argument, value in arguments.items():
        if argument not in types:
            raise BadInput(f"{label} has no argument {argument!r}")
        if not isinstance(expected := types[argument], Part):
            _check_value(expected, value, f"{label}.{argument}")
            continue
        if isinstance(value, list) != (expected is Part.LAYERS):
            raise BadInput(f"{label}.{argument} holds something else than {expected.value}")
        for part in value if isinstance(value, list) else [value]:
            check_object(part, PARTS[expected])
    # Keras divides the units among the heads.
    if arguments.get("hidden_dim", math.inf) < arguments.get("num_heads", 0):
        raise BadInput(f"{label}.num_heads is larger than hidden_dim")


def check_depth(config: object, variables: int) -> None:
    """Check that building a model will not take longer than building one of our models.

    Args:
        config: a configuration that `check_object` has accepted.
        variables: the number of variables in its weights file.

    Raises:
        BadInput: there are too many layers, a layer is called twice, or the file has too few
            variables for the encoder layers.
    """
    objects = [*_objects(config)]
    layers = sum("inbound_nodes" in each or "build_config" in each for each in objects)
    calls = sum(len(each.get("inbound_nodes", ())) for each in objects)
    if max(layers, calls) > MOST_LAYERS:
        raise BadInput(f"it has {max(layers, calls)} layers, and a model of ours fewer than 150")
    # Each level of layers that are called twice doubles the time, each doubled vector the memory.
    classes = [each.get("class_name") for each in objects]
    doubling = max(map(classes.count, DOUBLING))
    if doubling > 1 or any(len(each.get("inbound_nodes", ())) > 1 for each in objects):
        raise BadInput("it calls a layer more often than a model of ours does")
    depth = sum(_depth(each) for each in objects)
    if depth * ENCODER_VARIABLES > variables:
        raise BadInput(f"it asks for {depth} encoder layers, and has only {variables} variables")


def class_of(config: Mapping[str, Any]) -> str:
    """Return the name of an object's class as it is written in `keras_arguments`."""
    name, registered = config.get("class_name"), config.get("registered_name")
    if registered in (None, name):
        return f"{config.get('module')}.{name}"
    package, _, registered_class = str(registered).partition(">")
    if registered_class != name:
        return str(registered)
    # keras_nlp is the former name of keras_hub.
    return f"{package.replace('keras_nlp', 'keras_hub')}>{name}"


def _objects(config: object) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict):
        yield config
        config = config.values()
    elif not isinstance(config, list):
        return
    for part in config:
        yield from _objects(part)


def _depth(config: Mapping[str, Any]) -> int:
    """Return how many encoder layers with separate weights an object adds."""
    if config.get("class_name") == "TransformerEncoder":
        return 1
    # The layers of a group share their weights.
    return config.get("num_groups", config.get("num_layers", 0))


def _is_allowed(config: Mapping[str, Any]) -> bool:
    if config["class_name"] in (TENSOR, "function"):
        return config["class_name"] == TENSOR or _is_gelu(config)
    name = class_of(config)
    # Keras looks for the registered name first, before module and class.
    return name in ALL_CLASSES and (
        ">" not in name or keras.saving.get_registered_object(config["registered_name"]) is not None
    )


def _is_gelu(config: Mapping[str, Any]) -> bool:
    try:
        _adapter(GeluApproximate).validate_python(config, strict=True)
    except ValidationError:
        return False
    return True


def _check_value(expected: Any, value: object, where: str) -> Any:  # noqa: ANN401
    """Return a value of the type `expected`."""
    try:
        return _adapter(expected).validate_python(value, strict=True)
    except ValidationError as error:
        raise BadInput(f"{where}: {_describe(error)}") from error


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    problem = f"{first['msg']}, and not {_shortened(first['input'])}"
    return f"{problem} ({place})" if place else problem


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@cache
def _adapter(expected: Any) -> TypeAdapter:  # noqa: ANN401
    return TypeAdapter(expected)
