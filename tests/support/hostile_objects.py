"""What foreign files can hold: calls in a pickle, and classes that Keras is to build."""

from pathlib import Path


class RunsCode:
    """What a pickle can hold: a call that is made while it is read. It makes the file `path`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "name": "lambda",
        "function": {"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None}},
    },
    "registered_name": None,
}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": None}


def inside(planted):
    """Hide it in the configuration of a layer of ours, as one of its own parts."""
    return {
        "module": "preference.models.single_segment",
        "class_name": "SingleSegmentBackbone",
        "config": {"encoder": {**DENSE, "config": {"units": [{"deeper": planted}]}}},
        "registered_name": "preference>SingleSegmentBackbone",
    }


def called(module, name, registered=None):
    """A configuration whose class is a function of a module."""
    return {"module": module, "class_name": name, "config": {}, "registered_name": registered}


PLANTED = [
    LAMBDA,
    {key: value for key, value in LAMBDA.items() if key != "module"},
    {**DENSE, "registered_name": "preference>Unknown"},
    {**DENSE, "registered_name": "keras_hub>UnknownBackbone", "module": "keras_hub.src"},
    {"module": "keras.utils", "class_name": "function", "config": "get_file"},
    {"module": "builtins", "class_name": "function", "config": "eval"},
    {"class_name": "__typespec__", "config": [], "spec_name": "x"},
    {**DENSE, "class_name": "TorchModuleWrapper"},
    called("os", "system"),
    called("subprocess", "Popen", "Popen"),
    called("os", "system", "keras_hub>system"),
    called("os", "DebertaV3Backbone", "os>DebertaV3Backbone"),
    called("builtins", "exec", "builtins>exec"),
]
