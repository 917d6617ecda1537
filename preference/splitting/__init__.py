"""The leak-free split."""
