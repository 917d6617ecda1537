"""Probabilities of battles from a trained network."""
