"""Download the competition's train.csv into kagglehub's cache on this machine, or find it there.

kagglehub resumes an interrupted download, compares the file with the hash that the server sends,
and uses its cache (KAGGLEHUB_CACHE) when there is no network.
"""

from pathlib import Path

import kagglehub

from kaggle.failures import COMPETITION, FAILURES, describe_failure
from preference.runtime.errors import BadInput
from preference.sources.source import DownloadedFile, identify_file

FILE = "train.csv"


def download_battles() -> DownloadedFile:
    """Return train.csv. If the cached file is missing or outdated, it is downloaded.

    Raises:
        BadInput: the file cannot be downloaded; the message says what to do.
    """
    try:
        path = Path(kagglehub.competition_download(COMPETITION, path=FILE))
    except FAILURES as error:
        raise BadInput(describe_failure(error)) from error
    return identify_file(path)
