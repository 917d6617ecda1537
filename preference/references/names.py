"""The references by name: what a model without a network reaches.

`prior` knows how often each label is right, `length` the lengths of the answers, `tfidf` their
words, too.
"""

REFERENCES = ("prior", "length", "tfidf")
# Those that learn from the battles' texts.
LEARNING = ("length", "tfidf")
