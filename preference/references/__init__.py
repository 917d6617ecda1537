"""Models without a network."""
