"""The architecture that every system builds: DeBERTa v3 extra-small, with random weights."""

VOCABULARY_SIZE = 128_100
HIDDEN_DIM = 384
# As keras-nlp names them, but for the number of layers.
EXTRA_SMALL = {
    "vocabulary_size": VOCABULARY_SIZE,
    "hidden_dim": HIDDEN_DIM,
    "num_heads": 6,
    "intermediate_dim": 1536,
    "dropout": 0.1,
    "max_sequence_length": 512,
    "bucket_size": 256,
}

# Of the study at its peak. Speed does not depend on it, but nothing must diverge.
LEARNING_RATE = 2.4e-6
LABEL_SMOOTHING = 0.02
SEED = 2024
