"""The preference model on Hugging Face's DeBERTa, with the settings of DeBERTa v3."""

import torch
from transformers import DebertaV2Config, DebertaV2Model

from benchmarks.sequences import LABELS
from benchmarks.sizes import (
    EXTRA_SMALL,
    HIDDEN_DIM,
    LEARNING_RATE,
    VOCABULARY_SIZE,
)


class PreferenceModel(torch.nn.Module):
    """Both sides through one backbone, the mean over tokens, three logits. With its AdamW."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.backbone = DebertaV2Model(configuration(layers))
        self.logits = torch.nn.Linear(2 * HIDDEN_DIM, LABELS)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=LEARNING_RATE)

    def forward(self, token_ids: torch.Tensor, padding_mask: torch.Tensor) -> torch.Tensor:
        """Return logits (battles, 3) of token ids and mask, int64 (battles, 2, length)."""
        battles, sides, width = token_ids.shape
        mask = padding_mask.reshape(battles * sides, width)
        hidden = self.backbone(token_ids.reshape(mask.shape), attention_mask=mask)[0]
        weights = mask[:, :, None].to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return self.logits(pooled.reshape(battles, -1))


def configuration(layers: int) -> DebertaV2Config:
    """Return extra-small's configuration with as many layers."""
    return DebertaV2Config(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=HIDDEN_DIM,
        num_hidden_layers=layers,
        num_attention_heads=EXTRA_SMALL["num_heads"],
        intermediate_size=EXTRA_SMALL["intermediate_dim"],
        hidden_act="gelu",
        hidden_dropout_prob=EXTRA_SMALL["dropout"],
        attention_probs_dropout_prob=EXTRA_SMALL["dropout"],
        max_position_embeddings=EXTRA_SMALL["max_sequence_length"],
        type_vocab_size=0,
        layer_norm_eps=1e-7,
        relative_attention=True,
        max_relative_positions=-1,
        position_buckets=EXTRA_SMALL["bucket_size"],
        norm_rel_ebd="layer_norm",
        pos_att_type=["c2p", "p2c"],
        share_att_key=True,
        position_biased_input=False,
        pad_token_id=0,
    )
