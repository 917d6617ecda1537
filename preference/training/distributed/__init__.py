"""Training on many devices and hosts."""
