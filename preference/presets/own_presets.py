"""The small configurations of DeBERTa v3 that this project trains from scratch, by name."""

TRAINED_FROM_SCRATCH = ("deberta_v3_tiny", "deberta_v3_mini")
