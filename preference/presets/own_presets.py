"""The names of the small DeBERTa v3 configurations that are trained from scratch."""

TRAINED_FROM_SCRATCH = ("deberta_v3_tiny", "deberta_v3_mini")
