"""The 57,477 battles of the Kaggle competition, as the Hugging Face hub publishes them.

The folder's name is the value of `data.source` that selects it, so that DVC tracks this code and
the pinned file's hash as the source of the data.
"""

from arena55k.download import download_battles

__all__ = ["download_battles"]
