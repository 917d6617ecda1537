"""DeBERTa v3 from a folder of Hugging Face format (`model_type: deberta-v2`).

keras-hub has no converter for it (keras-hub#2987). `assign_tensors` also works with the backbone of
keras-hub, because its variables have the same names.
"""

import math
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.deberta_v3.encoder_layer import LAYER_NORM_EPSILON
from preference.models.loaded_weights import check_finite
from preference.models.pretrained.hf_backbone import build_backbone
from preference.models.pretrained.safetensors_files import list_tensors, read_tensors
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import refusing_damage
from preference.runtime.terminal_text import one_line

# For each option the default of transformers, and the value of DeBERTa v3.
OPTIONS = {
    "relative_attention": (False, True),
    "position_biased_input": (True, False),
    "share_att_key": (False, True),
    "norm_rel_ebd": ("none", "layer_norm"),
    "conv_kernel_size": (0, 0),
    "type_vocab_size": (0, 0),
    "hidden_act": ("gelu", "gelu"),
    "layer_norm_eps": (1e-7, LAYER_NORM_EPSILON),
}
POSITION_SCORES = {"c2p", "p2c"}
# Defaults of transformers.
DROPOUT, LONGEST_SEQUENCE = 0.1, 512


@refusing_damage("config.json")
def backbone_arguments(config: dict) -> dict[str, int | float]:
    """Return the arguments of `DebertaV3Backbone` for a `config.json`.

    Args:
        config: the content of a `config.json` with `model_type: deberta-v2`.

    Raises:
        BadInput: options differ from DeBERTa v3; the message names all of them.
    """
    problems = [*_wrong_options(config), *_wrong_attention(config), *_wrong_sizes(config)]
    if problems:
        raise BadInput(f"config.json: {'; '.join(problems)}. Use a checkpoint of DeBERTa v3.")
    longest = config.get("max_relative_positions", -1)
    if longest < 1:
        longest = config.get("max_position_embeddings", LONGEST_SEQUENCE)
    return {
        "vocabulary_size": config["vocab_size"],
        "num_layers": config["num_hidden_layers"],
        "num_heads": config["num_attention_heads"],
        "hidden_dim": config["hidden_size"],
        "intermediate_dim": config["intermediate_size"],
        "dropout": config.get("hidden_dropout_prob", DROPOUT),
        "max_sequence_length": longest,
        "bucket_size": config["position_buckets"],
    }


def _wrong_options(config: dict) -> Iterator[str]:
    for option, (absent, ours) in OPTIONS.items():
        value = config.get(option, absent)
        if value != ours:
            yield f"{option} is {value!r}, and only {ours!r} is implemented"


def _wrong_attention(config: dict) -> Iterator[str]:
    scores = config.get("pos_att_type") or []
    parts = scores.split("|") if isinstance(scores, str) else scores
    if {part.strip() for part in parts} != POSITION_SCORES:
        yield f"pos_att_type is {scores!r}, and only 'p2c|c2p' is implemented"
    buckets = config.get("position_buckets", -1)
    if buckets < 1:
        yield f"position_buckets is {buckets}, and only positions in buckets are implemented"
    rates = {config.get(f"{of}_dropout_prob", DROPOUT) for of in ("hidden", "attention_probs")}
    if len(rates) > 1:
        yield "hidden_dropout_prob is not attention_probs_dropout_prob, and only one is implemented"


def _wrong_sizes(config: dict) -> Iterator[str]:
    hidden = config["hidden_size"]
    for option, ours in {
        "embedding_size": hidden,
        "attention_head_size": hidden // config["num_attention_heads"],
    }.items():
        value = config.get(option, ours)
        if value != ours:
            yield f"{option} is {value}, and only {ours} is implemented"


# Layers of the Keras backbone, and the modules of transformers with the same weights.
MODULES = {
    "token_embedding": "embeddings.word_embeddings",
    "embeddings_layer_norm": "embeddings.LayerNorm",
    "rel_embedding": "encoder.rel_embeddings",
    "rel_embedding/rel_embeddings_layer_norm": "encoder.LayerNorm",
}
# The same within one transformer layer.
LAYER_MODULES = {
    "self_attention_layer/query": "attention.self.query_proj",
    "self_attention_layer/key": "attention.self.key_proj",
    "self_attention_layer/value": "attention.self.value_proj",
    "self_attention_layer/attention_output": "attention.output.dense",
    "self_attention_layer_norm": "attention.output.LayerNorm",
    "feedforward_intermediate_dense": "intermediate.dense",
    "feedforward_output_dense": "output.dense",
    "feedforward_layer_norm": "output.LayerNorm",
}
BIASES = ("bias", "beta")
# Checkpoints of models with a head have it before the names of the encoder's tensors.
PREFIX = "deberta."


def load_hugging_face_deberta(folder: Path, config: dict) -> DebertaV3Backbone:
    """Load our DeBERTa v3 backbone from a folder.

    Args:
        folder: with weights as `preference.models.pretrained.safetensors_files` describes.
        config: the content of its `config.json`.

    Raises:
        BadInput: our backbone does not implement an option, or a tensor is missing or has another
            shape.
    """
    backbone = build_backbone(DebertaV3Backbone, backbone_arguments(config), list_tensors(folder))
    unused = assign_tensors(backbone.weights, read_tensors(folder))
    if unused:
        message = one_line(f"{folder}: tensors that were not used: {', '.join(unused)}")
        print(message, file=sys.stderr)
    check_finite(backbone.weights)
    return backbone


def assign_tensors(
    variables: Iterable[keras.Variable], tensors: Iterable[tuple[str, np.ndarray]]
) -> list[str]:
    """Assign a tensor to each variable of a DeBERTa v3 backbone.

    Returns: the names of unused tensors, such as those of a head.

    Raises:
        BadInput: a tensor is missing or has another shape.
    """
    missing = {tensor_name(variable.path): variable for variable in variables}
    unused = []
    for name, tensor in tensors:
        variable = missing.pop(name.removeprefix(PREFIX), None)
        if variable is None:
            unused.append(name)
        else:
            variable.assign(_as_variable(name, tensor, variable))
    if missing:
        raise BadInput(
            f"the weights lack {len(missing)} tensors; the first is {min(missing)}. "
            "Download them again, or use another checkpoint."
        )
    return unused


def tensor_name(path: str) -> str:
    """Return the name in transformers, without prefix, of a variable of the Keras backbone."""
    layer, _, kind = path.rpartition("/")
    if found := re.fullmatch(r"disentangled_attention_encoder_layer_(\d+)/(.+)", layer):
        module = f"encoder.layer.{found[1]}.{LAYER_MODULES[found[2]]}"
    else:
        module = MODULES[layer]
    return f"{module}.bias" if kind in BIASES else f"{module}.weight"


def _as_variable(name: str, tensor: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """Transpose the matrix of a dense layer, and divide its units among the heads."""
    shape = _shape_in_checkpoint(variable)
    if tensor.shape != shape:
        raise BadInput(
            f"tensor {name} is {tensor.shape}, and config.json says {shape}: they do not belong "
            "together. Download both again."
        )
    return (tensor.T if _is_matrix(variable) else tensor).reshape(variable.shape)


def _shape_in_checkpoint(variable: keras.Variable) -> tuple[int, ...]:
    first, *others = variable.shape
    if _is_matrix(variable):
        return (math.prod(others), first)
    if variable.path.endswith("/bias"):
        return (math.prod(variable.shape),)
    return tuple(variable.shape)


def _is_matrix(variable: keras.Variable) -> bool:
    return variable.path.endswith("/kernel")
