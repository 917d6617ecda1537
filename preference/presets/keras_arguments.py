"""The Keras classes that may occur in models and tokenizers, and the arguments of each.

A class is named by its registered name (`package>Class`), a class of Keras itself by
`module.Class`. The type of an argument is checked by pydantic, or is a `Part`: an argument that
holds further objects. No argument is a path or a vocabulary; vocabularies are separate files.
"""

from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool

from preference.config.validation import DropoutRate
from preference.presets.keras_objects import (
    DataType,
    GeluApproximate,
    Histories,
    Name,
    Policy,
    Shape,
    Size,
)


class Part(Enum):
    """The kind of Keras object, or list of objects, that an argument holds."""

    INITIALIZER = "an initializer"
    LAYER = "a layer"
    LAYERS = "a list of layers"


def _check_batch(shape: list[int | None]) -> list[int | None]:
    if shape[:1] != [None]:
        raise ValueError("the first dimension of a batch is null")
    return shape


# The deepest encoder of these families, XLM-RoBERTa XXL, has 48 layers.
Depth = Annotated[int, Field(ge=1, le=64)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Epsilon = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)] | None
Token = Annotated[str, Field(min_length=1, max_length=100)]
TokenList = Annotated[list[Token], Field(max_length=1000)]
BatchShape = Annotated[Shape, AfterValidator(_check_batch)]
# The equations of keras.layers.MultiHeadAttention. With others, a small layer can need any amount
# of memory.
Equation = Literal["abc,cde->abde", "abcd,cde->abe"]


# Keras writes a precision as its name or as an object.
WeightPrecision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
TokenPrecision = Literal["int32"]
Precision = WeightPrecision | Policy[WeightPrecision]
Activation = Literal["linear", "relu", "gelu", "tanh"] | GeluApproximate

INITIALIZERS: dict[str, dict[str, Any]] = {
    "keras.initializers.GlorotUniform": {"seed": Seed, "input_axes": None, "output_axes": None},
    "keras.initializers.Ones": {},
    "keras.initializers.TruncatedNormal": {"seed": Seed, "mean": Fraction, "stddev": Fraction},
    "keras.initializers.Zeros": {},
}

_NAMED = {"name": Name, "trainable": StrictBool, "dtype": Precision, "activity_regularizer": None}
_PLAIN = {**_NAMED, "autocast": StrictBool}
_DENSE = {
    **_NAMED,
    "activation": Activation,
    "kernel_initializer": Part.INITIALIZER,
    "bias_initializer": Part.INITIALIZER,
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
    "quantization_config": None,
}
_EMBEDDING = {
    **_NAMED,
    "input_dim": Size,
    "output_dim": Size,
    "embeddings_initializer": Part.INITIALIZER,
    "embeddings_regularizer": None,
    "embeddings_constraint": None,
    "mask_zero": StrictBool,
    "quantization_config": None,
}
_ENCODER = {
    "name": Name,
    "trainable": StrictBool,
    "dtype": Precision,
    "num_layers": Depth,
    "num_heads": Size,
    "hidden_dim": Size,
    "intermediate_dim": Size,
    "dropout": DropoutRate,
    "max_sequence_length": Size,
}
_WORDS = {"vocabulary_size": Size}

BACKBONES: dict[str, dict[str, Any]] = {
    "preference>DebertaV3Backbone": {
        **_ENCODER,
        **_WORDS,
        "bucket_size": Size,
        "initializer_range": Fraction,
    },
    "preference>SingleSegmentBackbone": {**_NAMED, "encoder": Part.LAYER},
    "keras_hub>AlbertBackbone": {
        **_ENCODER,
        **_WORDS,
        "num_groups": Depth,
        "num_inner_repetitions": Literal[1],
        "embedding_dim": Size,
        "num_segments": Size,
    },
    "keras_hub>BertBackbone": {**_ENCODER, **_WORDS, "num_segments": Size},
    "keras_hub>DebertaV3Backbone": {**_ENCODER, **_WORDS, "bucket_size": Size},
    "keras_hub>DistilBertBackbone": {**_ENCODER, **_WORDS},
    "keras_hub>ElectraBackbone": {
        **_ENCODER,
        "vocab_size": Size,
        "embedding_dim": Size,
        "num_segments": Size,
    },
    "keras_hub>RobertaBackbone": {**_ENCODER, **_WORDS},
    "keras_hub>XLMRobertaBackbone": {**_ENCODER, **_WORDS},
}
ALL_LAYERS: dict[str, dict[str, Any]] = {
    **BACKBONES,
    "preference>AppendFeatures": _PLAIN,
    "preference>FirstToken": _PLAIN,
    "preference>FoldSides": _PLAIN,
    "preference>MaskedMean": _PLAIN,
    "preference>UnfoldSides": _PLAIN,
    "preference>OrderEquivariant": {**_NAMED, "network": Part.LAYER},
    "preference>Davidson": {**_NAMED, "network": Part.LAYER},
    "keras_hub>PositionEmbedding": {
        **_NAMED,
        "sequence_length": Size,
        "initializer": Part.INITIALIZER,
    },
    "keras_hub>TransformerEncoder": {
        **_NAMED,
        "intermediate_dim": Size,
        "num_heads": Size,
        "dropout": DropoutRate,
        "activation": Activation,
        "layer_norm_epsilon": Epsilon,
        "kernel_initializer": Part.INITIALIZER,
        "bias_initializer": Part.INITIALIZER,
        "normalize_first": StrictBool,
    },
    "keras.src.models.functional.Functional": {
        "name": Name,
        "trainable": StrictBool,
        "layers": Part.LAYERS,
        "input_layers": Histories,
        "output_layers": Histories,
    },
    "keras.Sequential": {**_NAMED, "layers": Part.LAYERS, "build_input_shape": Shape},
    "keras.layers.Add": _NAMED,
    "keras.layers.Dense": {**_DENSE, "units": Size, "use_bias": StrictBool},
    "keras.layers.Dropout": {**_NAMED, "rate": DropoutRate, "seed": Seed, "noise_shape": None},
    "keras.layers.EinsumDense": {
        **_DENSE,
        "equation": Equation,
        "output_shape": Shape,
        "bias_axes": Annotated[str, Field(pattern="^[a-z]{1,6}$")] | None,
    },
    "keras.layers.Embedding": _EMBEDDING,
    "keras.layers.Flatten": {**_NAMED, "data_format": Literal["channels_last"]},
    "keras.layers.InputLayer": {
        "name": Name,
        "batch_shape": BatchShape,
        "dtype": DataType,
        "sparse": Literal[False],
        "ragged": Literal[False],
        "optional": Literal[False],
    },
    "keras.layers.LayerNormalization": {
        **_NAMED,
        "axis": Annotated[list[Literal[-1]], Field(max_length=1)],
        "epsilon": Epsilon,
        "center": StrictBool,
        "scale": StrictBool,
        "rms_scaling": Literal[False],
        "beta_initializer": Part.INITIALIZER,
        "gamma_initializer": Part.INITIALIZER,
        "beta_regularizer": None,
        "gamma_regularizer": None,
        "beta_constraint": None,
        "gamma_constraint": None,
    },
    "keras.layers.ReversibleEmbedding": {
        **_EMBEDDING,
        "tie_weights": StrictBool,
        "reverse_dtype": None,
        "logit_soft_cap": None,
    },
}

_TOKENIZER = {
    "name": Name,
    "trainable": StrictBool,
    "dtype": TokenPrecision | Policy[TokenPrecision],
    "config_file": Literal["tokenizer.json"],
    # A length would cut and pad the tokens.
    "sequence_length": None,
}
_SENTENCE_PIECE = {
    **_TOKENIZER,
    "proto": None,
    "add_bos": Literal[False],
    "add_eos": Literal[False],
}
_WORD_PIECE = {
    **_TOKENIZER,
    "vocabulary": None,
    "lowercase": StrictBool,
    "strip_accents": StrictBool,
    "split": Literal[True],
    "split_on_cjk": StrictBool,
    "suffix_indicator": Token,
    "oov_token": Token,
    "special_tokens": TokenList | None,
    "special_tokens_in_strings": StrictBool,
}
TOKENIZERS: dict[str, dict[str, Any]] = {
    "preference>HuggingFaceTokenizer": _TOKENIZER,
    "keras_hub>AlbertTokenizer": _SENTENCE_PIECE,
    "keras_hub>BertTokenizer": _WORD_PIECE,
    "keras_hub>DebertaV3Tokenizer": _SENTENCE_PIECE,
    "keras_hub>DistilBertTokenizer": _WORD_PIECE,
    "keras_hub>ElectraTokenizer": _WORD_PIECE,
    "keras_hub>RobertaTokenizer": {
        **_TOKENIZER,
        "vocabulary": None,
        "merges": None,
        "add_prefix_space": StrictBool,
        "unsplittable_tokens": TokenList,
    },
    "keras_hub>XLMRobertaTokenizer": _SENTENCE_PIECE,
}
