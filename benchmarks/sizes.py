"""The architecture that every system builds: DeBERTa v3 extra-small, with random weights."""

VOCABULARY_SIZE = 128_100
HIDDEN_DIM = 384
HEADS = 6
INTERMEDIATE_DIM = 1536
BUCKETS = 256
MAX_SEQUENCE_LENGTH = 512
DROPOUT = 0.1

# Of the study at its peak. Speed does not depend on it, but nothing must diverge.
LEARNING_RATE = 2.4e-6
LABEL_SMOOTHING = 0.02
SEED = 2024
