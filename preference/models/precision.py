"""Change the precision in which a backbone computes; its weights are float32 in each of them."""

import keras_nlp

from preference.models.single_segment import SingleSegmentBackbone, replace_precision


def in_precision(backbone: keras_nlp.models.Backbone, precision: str) -> keras_nlp.models.Backbone:
    """Return the backbone in another precision with the same weights, or itself where it has it.

    Args:
        backbone: any.
        precision: the name of a dtype policy, such as `mixed_bfloat16`.
    """
    if backbone.dtype_policy.name == precision:
        return backbone
    if isinstance(backbone, SingleSegmentBackbone):
        return replace_precision(backbone, precision)
    changed = type(backbone).from_config({**backbone.get_config(), "dtype": precision})
    changed.set_weights(backbone.get_weights())
    return changed
