"""Measure training and prediction on one graphics card: `python -m checks.benchmarks.gpu`."""
