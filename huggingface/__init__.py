"""Any data set of the Hugging Face Hub whose files are Parquet, JSON or CSV.

The folder has the name of the value of `data.source` that selects it, so that DVC tracks this code.
No code of a data set is ever run.
"""

from huggingface.download import download_dataset

__all__ = ["download_dataset"]
