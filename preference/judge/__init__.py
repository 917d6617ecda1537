"""A trained model in use: from Python, and on files."""
