"""The preference model on Hugging Face's DeBERTa, with the settings of DeBERTa v3.

With its own attention, or one of two others that are written in Triton, for a GPU alone.
"""

import torch
from transformers import DebertaV2Config, DebertaV2Model

from benchmarks.sequences import LABELS
from benchmarks.sizes import EXTRA_SMALL, LEARNING_RATE


class PreferenceModel(torch.nn.Module):
    """Both sides through one backbone, the mean over tokens, three logits. With its AdamW."""

    def __init__(self, system: str, layers: int) -> None:
        super().__init__()
        self.backbone = build_backbone(system, configuration(layers))
        self.logits = torch.nn.Linear(2 * EXTRA_SMALL["hidden_dim"], LABELS)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=LEARNING_RATE)

    def forward(self, token_ids: torch.Tensor, padding_mask: torch.Tensor) -> torch.Tensor:
        """Return logits (battles, 3) of token ids and mask, int64 (battles, 2, length)."""
        battles, sides, width = token_ids.shape
        mask = padding_mask.reshape(battles * sides, width)
        hidden = self.backbone(token_ids.reshape(mask.shape), attention_mask=mask)[0]
        weights = mask[:, :, None].to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return self.logits(pooled.reshape(battles, -1))


def build_backbone(system: str, config: DebertaV2Config) -> torch.nn.Module:
    """Build the backbone of one of `TORCH_SYSTEMS`.

    Raises:
        ImportError: the system is not installed: see requirements-bench-gpu.txt.
        RuntimeError: disentangled-flash would leave the attention as it was.
    """
    if system == "flashdeberta":
        from flashdeberta import FlashDebertaV2Model

        return FlashDebertaV2Model(config)
    backbone = DebertaV2Model(config)
    if system == "disentangled-flash":
        from disentangled_flash import DebertaV2OptimizedEncoder, optimize_deberta_training

        optimize_deberta_training(backbone, backend="triton")
        if not isinstance(backbone.encoder, DebertaV2OptimizedEncoder):
            raise RuntimeError("disentangled-flash needs Triton.")
    return backbone


def configuration(layers: int) -> DebertaV2Config:
    """Return extra-small's configuration with as many layers."""
    return DebertaV2Config(
        vocab_size=EXTRA_SMALL["vocabulary_size"],
        hidden_size=EXTRA_SMALL["hidden_dim"],
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
