"""Schemas of public preference sets, each converted to rows in the Kaggle schema."""
