"""The references by name: what a model without a network reaches.

`prior` knows how often each label is right, `length` the lengths of the answers, `tfidf` their
words, too.
"""

from preference.config.params import REFERENCES

__all__ = ["LEARNING", "REFERENCES"]
# Those that learn from the battles' texts.
LEARNING = ("length", "tfidf")
