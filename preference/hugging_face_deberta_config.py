"""From the `config.json` of a `deberta-v2` checkpoint to the arguments of our backbone.

The model type covers more models than DeBERTa v3. What our backbone does not compute is an error,
never a model that computes something else.
"""

from collections.abc import Iterator

from preference.deberta_layers import LAYER_NORM_EPSILON
from preference.errors import BadInput

# Of each option: what transformers takes where config.json does not say, and what DeBERTa v3 has.
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
# Where config.json does not say.
DROPOUT, LONGEST_SEQUENCE = 0.1, 512


def backbone_arguments(config: dict) -> dict[str, int | float]:
    """Return the arguments of `DebertaV3Backbone`.

    Args:
        config: the content of a `config.json` with `model_type: deberta-v2`.

    Raises:
        BadInput: an option is not that of DeBERTa v3; the message names all of them.
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
