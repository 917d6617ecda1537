"""Weights and tokenizers from hubs and folders."""
