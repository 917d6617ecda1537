"""Layers, heads and backbones."""
