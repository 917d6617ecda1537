"""Variants of our model on JAX that a card can be asked about. The product has `present`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partialmethod
from unittest.mock import patch

from checks.benchmarks.gpu.attention_variants import (
    attend_with_softmax_product,
    attend_without_dropout,
    call_with_fused_attention,
)
from checks.benchmarks.gpu.dropout_variants import drop_with_bits
from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.fused.dropout import Dropout


@dataclass(frozen=True)
class Variant:
    """What takes the place of methods of our layers.

    Args:
        said: what differs, for the page.
        attention: the method of `DisentangledSelfAttention`, and what takes its place.
        dropout: what takes the place of `Dropout.call`.
        is_checked: whether the attention is compared with the present one before it is timed.
    """

    said: str
    attention: tuple[str, Callable] | None = None
    dropout: partialmethod | None = None
    is_checked: bool = False

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let models that are built and traced within have it."""
        with ExitStack() as stack:
            if self.attention:
                stack.enter_context(patch.object(DisentangledSelfAttention, *self.attention))
            if self.dropout:
                stack.enter_context(patch.object(Dropout, "call", self.dropout))
            yield


VARIANTS = {
    "present": Variant("what users run"),
    "dot_product_attention": Variant(
        "`jax.nn.dot_product_attention` with the position scores as bias; cuDNN computes it on a "
        "GPU. It has no dropout of probabilities: compare with `without attention dropout`",
        attention=("call", call_with_fused_attention),
        is_checked=True,
    ),
    "softmax_product": Variant(
        "softmax, dropout and product with a gradient written out, as TensorFlow has them "
        "(`preference/models/fused/attention_softmax.py`)",
        attention=("_attend", attend_with_softmax_product),
        is_checked=True,
    ),
    "without attention dropout": Variant(
        "no dropout of probabilities", attention=("_attend", attend_without_dropout)
    ),
    "8-bit dropout": Variant(
        "dropout from 8 random bits an element of JAX's default generator, where Keras draws 32",
        dropout=partialmethod(drop_with_bits, implementation="threefry2x32"),
    ),
    "8-bit rbg dropout": Variant(
        "dropout from 8 random bits an element of the card's own generator",
        dropout=partialmethod(drop_with_bits, implementation="unsafe_rbg"),
    ),
}
