"""Dense features of texts: lengths, formatting, words."""
