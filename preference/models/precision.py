"""The precision in which a backbone computes; its weights are float32 in each of them."""

import keras
import keras_nlp
import tensorflow as tf

from preference.models.single_segment import SingleSegmentBackbone, replace_precision
from preference.runtime.processor import multiplies_bfloat16

# NVIDIA's GPUs multiply bfloat16 matrices from this compute capability on.
BFLOAT16_CAPABILITY = 8.0


def choose_precision(precision: str) -> str:
    """Return the name of the dtype policy that `train.precision` means on this machine.

    `auto` is bfloat16 where the machine has instructions for its products, and float32 elsewhere. A
    measurement could choose otherwise in the next run, and so change its result.
    """
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if _has_bfloat16_products() else "float32"


def _has_bfloat16_products() -> bool:
    if keras.backend.backend() == "jax":
        import jax

        devices = jax.devices()
        if devices[0].platform == "gpu":
            # JAX writes it as "8.0".
            return all(float(gpu.compute_capability) >= BFLOAT16_CAPABILITY for gpu in devices)
        return devices[0].platform == "tpu" or multiplies_bfloat16()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return all(_capability(gpu) >= BFLOAT16_CAPABILITY for gpu in gpus)
    return multiplies_bfloat16()


def _capability(gpu: tf.config.PhysicalDevice) -> float:
    major, minor = tf.config.experimental.get_device_details(gpu)["compute_capability"]
    return float(f"{major}.{minor}")


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
