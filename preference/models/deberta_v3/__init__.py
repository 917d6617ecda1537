"""DeBERTa v3."""
