"""The 57,477 battles of the Kaggle competition, published on the Hugging Face Hub.

The folder has the name of the value of `data.source` that selects it, so that DVC tracks this code
and the hash of the pinned file as the source of the data.
"""

from arena55k.download import download_battles

__all__ = ["download_battles"]
