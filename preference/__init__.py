"""Predict which of two chatbot answers a person prefers: the library behind the DVC stages."""
