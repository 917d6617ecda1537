"""Count floating-point operations of DeBERTa, to compare a rate with the peak of a device.

Model FLOPs are counted as for PaLM (arXiv:2204.02311, appendix B): only matrix products, two
operations for a multiplication and its addition, and twice as many backward as forward. Operations
that an implementation adds do not count: padding, recomputation, and the projections of positions,
which a batch shares.
"""

import numpy as np

from checks.benchmarks.sizes import SIZES

TERA, GIGA = 1e12, 1e9
FORWARD_AND_BACKWARD = 3
# Dense bfloat16, from NVIDIA's data sheets, by a part of the name that the driver reports.
PEAK_TFLOP_PER_S = {
    "H200": 989.4,
    "H100 PCIe": 756.5,
    "H100": 989.4,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
}


def training_flops(size: str, layers: int, lengths: np.ndarray) -> float:
    """Return the FLOPs of a training step.

    Args:
        size: one of `SIZES`.
        layers: the number of layers of the backbone.
        lengths: the tokens of each sequence of the step, int [sequences].
    """
    return FORWARD_AND_BACKWARD * layers * layer_flops(size, lengths)


def layer_flops(size: str, lengths: np.ndarray) -> float:
    """Return the FLOPs of the forward pass of one layer for `lengths`, int [sequences].

    Each token has four projections and two dense layers. It is multiplied with every key and every
    value and, once as a query and once as a key, with every relative position that occurs (at most
    the size of the table).
    """
    dim, inner = SIZES[size]["hidden_dim"], SIZES[size]["intermediate_dim"]
    positions = np.minimum(2 * lengths - 1, 2 * SIZES[size]["bucket_size"])
    products = 4 * dim**2 + 2 * dim * inner + 2 * dim * lengths + 2 * dim * positions
    return float(2 * (lengths * products).sum())


def peak_tflop_per_s(device: str) -> float | None:
    """Return the peak rate of the device, or None where it is unknown."""
    return next((peak for name, peak in PEAK_TFLOP_PER_S.items() if name in device), None)


def product_tflop_per_s(width: int, seconds: float) -> float:
    """Return the rate of a product of two square matrices, in TFLOP/s."""
    return 2 * width**3 / seconds / TERA


def copy_gb_per_s(size: int, seconds: float) -> float:
    """Return the rate of a copy of `size` bytes, each of which is read and written, in GB/s."""
    return 2 * size / seconds / GIGA
