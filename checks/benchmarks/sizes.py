"""The sizes of DeBERTa v3 that are measured, and the settings of the training."""

VOCABULARY_SIZE = 128_100
_SHARED = {
    "vocabulary_size": VOCABULARY_SIZE,
    "dropout": 0.1,
    "max_sequence_length": 512,
    "bucket_size": 256,
}
# The sizes and names of keras-nlp.
EXTRA_SMALL = {
    **_SHARED,
    "num_layers": 12,
    "num_heads": 6,
    "hidden_dim": 384,
    "intermediate_dim": 1536,
}
SMALL = {
    **_SHARED,
    "num_layers": 6,
    "num_heads": 12,
    "hidden_dim": 768,
    "intermediate_dim": 3072,
}
BASE = {**SMALL, "num_layers": 12}
# For tests; no published model has this size.
TINY = {
    "vocabulary_size": 100,
    "dropout": 0.1,
    "max_sequence_length": 64,
    "bucket_size": 16,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 32,
    "intermediate_dim": 64,
}
SIZES = {"extra_small": EXTRA_SMALL, "small": SMALL, "base": BASE, "tiny": TINY}

# The largest learning rate of the study. Speed does not depend on it while the loss is finite.
LEARNING_RATE = 2.4e-6
LABEL_SMOOTHING = 0.02
SEED = 2024
