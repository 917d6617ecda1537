"""Floating-point operations of DeBERTa's mathematics, to set a rate beside what a card could do.

Model FLOPs as PaLM counts them (arXiv:2204.02311, appendix B): matrix products alone, a
multiplication with its addition as two, and backward twice as many as forward. What an
implementation adds does not count: padding, what is computed twice, and the projections of
positions, which a batch shares.
"""

import numpy as np

from checks.benchmarks.runner import Row
from checks.benchmarks.sizes import SIZES

TERA = 1e12
FORWARD_AND_BACKWARD = 3
# Dense bfloat16, as NVIDIA's data sheets have it; by a part of the name that the driver gives.
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
        layers: of the backbone.
        lengths: tokens of each sequence of the step, int [sequences].
    """
    return FORWARD_AND_BACKWARD * layers * layer_flops(size, lengths)


def layer_flops(size: str, lengths: np.ndarray) -> float:
    """Return the FLOPs of one layer, forward. `lengths`: int [sequences].

    A token is projected four times and goes through two dense layers; it is multiplied with every
    key and every value, and, once as a query and once as a key, with every relative position that
    occurs (at most the table's).
    """
    dim, inner = SIZES[size]["hidden_dim"], SIZES[size]["intermediate_dim"]
    positions = np.minimum(2 * lengths - 1, 2 * SIZES[size]["bucket_size"])
    products = 4 * dim**2 + 2 * dim * inner + 2 * dim * lengths + 2 * dim * positions
    return float(2 * (lengths * products).sum())


def peak_tflop_per_s(device: str) -> float | None:
    """Return what the device could compute in a second, or None where it is not known."""
    return next((peak for name, peak in PEAK_TFLOP_PER_S.items() if name in device), None)


def add_utilisation(row: Row) -> Row:
    """Add to a row, whose sequences all are `seq_len` long, what its training computes.

    `train_tflop_per_s`, and `utilisation`: its share of the device's peak, or None.
    """
    flops = training_flops(row["size"], row["layers"], np.array([row["seq_len"]] * 2))
    rate = row["train_rows_per_s"] * flops / TERA
    peak = peak_tflop_per_s(row["device"])
    return row | {"train_tflop_per_s": rate, "utilisation": peak and rate / peak}
