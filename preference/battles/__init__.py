"""The table of battles, and what its ids key: splits, predictions."""
