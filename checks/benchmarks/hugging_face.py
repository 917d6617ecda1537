"""The preference model on Hugging Face's DeBERTa, with the settings of DeBERTa v3.

The attention is the original one, or one of two implementations in Triton, which need a GPU.
"""

import torch
from transformers import DebertaV2Config, DebertaV2Model

from checks.benchmarks.sequences import LABELS
from checks.benchmarks.sizes import LEARNING_RATE, SIZES


class PreferenceModel(torch.nn.Module):
    """A backbone for both sides, mean pooling over tokens, and a dense layer with three logits."""

    def __init__(self, system: str, layers: int, size: str = "extra_small") -> None:
        super().__init__()
        self.backbone = build_backbone(system, configuration(layers, size))
        self.logits = torch.nn.Linear(2 * SIZES[size]["hidden_dim"], LABELS)

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
        ImportError: the system is not installed: see requirements/bench-gpu.txt.
        RuntimeError: disentangled-flash would not replace the attention.
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


def build_optimizer(model: PreferenceModel) -> torch.optim.AdamW:
    """Build the optimizer of Hugging Face's Trainer, which is fused on a GPU."""
    return torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, fused=torch.cuda.is_available() or None
    )


def configuration(layers: int, size: str) -> DebertaV2Config:
    """Return the configuration of one of `SIZES` with another number of layers."""
    architecture = SIZES[size]
    return DebertaV2Config(
        vocab_size=architecture["vocabulary_size"],
        hidden_size=architecture["hidden_dim"],
        num_hidden_layers=layers,
        num_attention_heads=architecture["num_heads"],
        intermediate_size=architecture["intermediate_dim"],
        hidden_act="gelu",
        hidden_dropout_prob=architecture["dropout"],
        attention_probs_dropout_prob=architecture["dropout"],
        max_position_embeddings=architecture["max_sequence_length"],
        type_vocab_size=0,
        layer_norm_eps=1e-7,
        relative_attention=True,
        max_relative_positions=-1,
        position_buckets=architecture["bucket_size"],
        norm_rel_ebd="layer_norm",
        pos_att_type=["c2p", "p2c"],
        share_att_key=True,
        position_biased_input=False,
        pad_token_id=0,
    )
