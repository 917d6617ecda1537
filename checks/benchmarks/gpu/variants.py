"""Variants of our model on JAX that are measured on a GPU; users run the variant `present`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partialmethod

from checks.benchmarks.gpu.attention_variants import (
    attend_with_softmax_product,
    attend_without_dropout,
    call_with_fused_attention,
)
from checks.benchmarks.gpu.dropout_variants import drop_with_bits
from checks.benchmarks.replacement import replacing
from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.fused.dropout import Dropout


@dataclass(frozen=True)
class Variant:
    """Replacements of methods of our layers.

    Args:
        description: what differs from `present`.
        attention: the name of a method of `DisentangledSelfAttention`, and its replacement.
        dropout: the replacement of `Dropout.call`.
        is_checked: whether the attention is compared with the present one before it is timed.
    """

    description: str
    attention: tuple[str, Callable] | None = None
    dropout: partialmethod | None = None
    is_checked: bool = False

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the variant to models that are built and traced within the block."""
        with ExitStack() as stack:
            if self.attention:
                stack.enter_context(replacing(DisentangledSelfAttention, *self.attention))
            if self.dropout:
                stack.enter_context(replacing(Dropout, "call", self.dropout))
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
