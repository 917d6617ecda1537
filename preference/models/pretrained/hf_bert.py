"""BERT from a folder of Hugging Face format (`model_type: bert`), converted by keras-hub.

keras-hub takes the original BERT's approximate GELU, epsilon and segments whatever `config.json`
says, which moves hidden states by thousandths. So the activation is set here, and the rest checked.
"""

from pathlib import Path

from preference.models.pretrained.hf_conversion import convert_hugging_face
from preference.models.single_segment import SingleSegmentBackbone, with_single_segment
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import refusing_damage

# Names in config.json, and what to put in the place of keras-hub's activation.
ACTIVATIONS = {"gelu": "gelu", "gelu_new": None, "gelu_pytorch_tanh": None}
# What keras-hub builds.
OPTIONS = {"layer_norm_eps": 1e-12, "position_embedding_type": "absolute", "type_vocab_size": 2}


def load_hugging_face_bert(folder: Path, config: dict) -> SingleSegmentBackbone:
    """Build BERT with the size and the weights of a folder.

    Args:
        folder: with `model.safetensors`, in one or in several parts.
        config: the content of its `config.json`.

    Raises:
        BadInput: the model has an option that keras-hub's backbone lacks, or as
            `convert_hugging_face`.
    """
    check_options(config)
    backbone = convert_hugging_face(folder, config)
    return with_single_segment(backbone, ACTIVATIONS[config.get("hidden_act", "gelu")])


@refusing_damage("config.json")
def check_options(config: dict) -> None:
    """Stop where the model is not the BERT that keras-hub builds.

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
