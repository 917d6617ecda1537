"""The training battles of the Kaggle competition, through the user's account there.

The folder's name is the value of `data.source` that selects it, so that DVC tracks this code as
the source of the data. It hides nothing that `kagglehub` imports: that uses `kagglesdk`.
"""

from kaggle.download import download_battles

__all__ = ["download_battles"]
