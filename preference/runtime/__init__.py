"""Errors, files, locks, and the libraries underneath."""
