"""Download the competition's train.csv into kagglehub's cache on this machine, or find it there.

kagglehub continues a download that was cut, compares it with the hash that the server sends, and
reads its cache (KAGGLEHUB_CACHE) where there is no network.
"""

from pathlib import Path

import kagglehub

from kaggle.failures import COMPETITION, FAILURES, describe_failure
from preference.runtime.errors import BadInput
from preference.sources.source import DownloadedFile, identify_file

FILE = "train.csv"


def download_battles() -> DownloadedFile:
    """Return train.csv, downloaded with progress on stderr where the cache has no current one.

    Raises:
        BadInput: it cannot be downloaded; the message says what to do.
    """
    try:
        path = Path(kagglehub.competition_download(COMPETITION, path=FILE))
    except FAILURES as error:
        raise BadInput(describe_failure(error)) from error
    return identify_file(path)
