"""Measure training and prediction on one GPU: `python -m checks.benchmarks.gpu`."""
