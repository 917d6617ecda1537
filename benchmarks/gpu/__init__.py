"""Measure training and prediction on one graphics card: `python -m benchmarks.gpu`."""
