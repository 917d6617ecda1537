"""BERT from a folder of Hugging Face format (`model_type: bert`), converted by keras-hub.

keras-hub ignores the activation, epsilon and segments of `config.json`. It uses the approximate
GELU of the original BERT, which changes hidden states by thousandths. Here the activation is set,
and the other options are checked.
"""

from pathlib import Path

from preference.models.pretrained.hf_conversion import convert_hugging_face
from preference.models.single_segment import SingleSegmentBackbone, with_single_segment
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import refusing_damage

# Names in config.json, and the activation that replaces keras-hub's, if any.
ACTIVATIONS = {"gelu": "gelu", "gelu_new": None, "gelu_pytorch_tanh": None}
# The values that keras-hub implements.
OPTIONS = {"layer_norm_eps": 1e-12, "position_embedding_type": "absolute", "type_vocab_size": 2}


def load_hugging_face_bert(folder: Path, config: dict) -> SingleSegmentBackbone:
    """Load BERT from a folder.

    Args:
        folder: with `model.safetensors`, in one or in several parts.
        config: the content of its `config.json`.

    Raises:
        BadInput: keras-hub's backbone does not implement an option, or `convert_hugging_face`
            raises it.
    """
    check_options(config)
    backbone = convert_hugging_face(folder, config)
    return with_single_segment(backbone, ACTIVATIONS[config.get("hidden_act", "gelu")])


@refusing_damage("config.json")
def check_options(config: dict) -> None:
    """Check that keras-hub implements the options of a `config.json`.

    Raises:
        BadInput: an option differs; the message names all that do.
    """
    problems = [
        f"{option} is {config[option]!r}, and only {ours!r} is implemented"
        for option, ours in OPTIONS.items()
        if config.get(option, ours) != ours
    ]
    activation = config.get("hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        names = ", ".join(ACTIVATIONS)
        problems.append(f"hidden_act is {activation!r}, and only {names} are implemented")
    if problems:
        raise BadInput(f"config.json: {'; '.join(problems)}. Use another checkpoint.")
