"""Invented metrics of a training run."""

METRICS = {
    "sequences_cut": 0.1,
    "tokens_kept": 0.9,
    "padding_share": 0.2,
    "epochs": 3,
    "best_epoch": 2,
    "valid_log_loss": 0.9,
    "valid_accuracy": 0.5,
    "parameters": 1234,
    "train_tflop": 0.5,
    "gflop_per_battle": 0.01,
}
