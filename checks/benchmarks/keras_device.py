"""The device of Keras in this process, and the memory that was allocated on it."""

from typing import TYPE_CHECKING

import keras

from checks.benchmarks import process_meter

if TYPE_CHECKING:
    import jax


def device_name() -> str:
    """Return `cpu`, or the name of the accelerator."""
    if _is_on_jax():
        device = _jax_device()
        return "cpu" if device.platform == "cpu" else device.device_kind
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(device).get("device_name", "gpu")
    return "cpu"


def peak_memory_gib() -> float:
    """Return the peak of the memory allocated on the accelerator or, on a CPU, of the process."""
    if device_name() == "cpu":
        return process_meter.peak_memory_gib()
    if _is_on_jax():
        return _jax_device().memory_stats()["peak_bytes_in_use"] / process_meter.BYTES_A_GIB
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / process_meter.BYTES_A_GIB


def _is_on_jax() -> bool:
    return keras.backend.backend() == "jax"


def _jax_device() -> "jax.Device":
    import jax

    return jax.local_devices()[0]
