"""The training battles of the Kaggle competition, downloaded with the user's Kaggle account.

The folder has the name of the value of `data.source` that selects it, so that DVC tracks this code
as the source of the data. It hides the library `kaggle`, which `kagglehub` does not import.
"""

from kaggle.download import download_battles

__all__ = ["download_battles"]
