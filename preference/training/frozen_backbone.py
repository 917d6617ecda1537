"""Train the head alone, on vectors that are computed once, where the whole backbone is frozen.

Guarantees
1. Nothing changes but the time, and the rounding of vectors whose sequences have other padding:
   a backbone without dropout, none of whose weights is trained, gives the same vectors in every
   epoch. The batches are the same.
"""

from dataclasses import dataclass, field, fields

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from preference.models.preference_model import POOLED, backbone_of
from preference.models.side_encoder import SideEncoder
from preference.sequences.packing import SIDES, Inputs
from preference.training.dataset import LabelledBattles


def has_fixed_vectors(model: keras.Model, dropout: float | None) -> bool:
    """Return whether training leaves the pooled vectors of a model as they are.

    Args:
        model: as `build_model` makes it, with its layers frozen.
        dropout: of the backbone, as in params.yaml; None for that of its preset, which is not 0.
    """
    return dropout == 0 and not backbone_of(model).trainable_variables


@dataclass(frozen=True)
class EncodedBattles(LabelledBattles):
    """Labelled battles of which the model reads pooled vectors, float32 [battles, 2, hidden]."""

    vectors: np.ndarray = field(kw_only=True)

    def read_sides(self, positions: np.ndarray) -> Inputs:
        """Return the pooled vectors of some battles."""
        return {POOLED: self.vectors[positions]}

    def sides_signature(self) -> dict[str, tf.TensorSpec]:
        """Return the tensor specification of the vectors."""
        return {POOLED: tf.TensorSpec((None, len(SIDES), self.vectors.shape[-1]), tf.float32)}


def encode_once(encoder: SideEncoder, battles: LabelledBattles, task: str) -> EncodedBattles:
    """Compute the pooled vectors of battles; a progress bar shows `task`."""
    with tqdm(total=len(battles.rows) * len(SIDES), desc=task, unit=" answers") as progress:
        vectors = encoder.encode(battles.tokens, battles.rows, progress.update)
    own = {field.name: getattr(battles, field.name) for field in fields(battles)}
    return EncodedBattles(**own, vectors=vectors)
