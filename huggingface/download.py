"""Download the files of a data set at one commit, or find them in the hub's cache."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants

from huggingface.choice import choose_files
from huggingface.listing import hub_file, list_dataset
from huggingface.name import NAMED_BY, DatasetName, parse_name
from preference.runtime.errors import BadInput
from preference.sources.hub_files import FAILURES, download_hub_file, explain_failure
from preference.sources.source import DownloadedFile, identify_file


def download_dataset(text: str) -> dict[str, DownloadedFile]:
    """Return the files of the data set that `text` names, by their names in it.

    What is not in the cache is downloaded with a progress bar. Where no commit is named, the one
    that was found is reported.

    Raises:
        BadInput: the name has another form, the hub refuses or lacks it, or a file is incomplete.
    """
    name = parse_name(text)
    with _explaining(name):
        listing = list_dataset(name)
    if name.revision != listing.commit:
        print(
            f"{name.repository} at {name.revision or 'its newest revision'} is commit "
            f"{listing.commit}: write @{listing.commit} in {NAMED_BY} to keep it.",
            file=sys.stderr,
        )
    files = {}
    for path in choose_files(name, listing):
        file, target = hub_file(name.repository, listing, path)
        with _explaining(name):
            found = identify_file(download_hub_file(file, target), listing.commit)
        if found.size != file.size:
            raise BadInput(
                f"{found.path} has {found.size:,} bytes, and {path} of {name.repository} has "
                f"{file.size:,}. Delete the file, and run again."
            )
        files[f"{name.repository}/{path}"] = found
    return files


@contextmanager
def _explaining(name: DatasetName) -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        revision = f"@{name.revision}" if name.revision else ""
        why = explain_failure(error, "the name and the revision", NAMED_BY)
        raise BadInput(
            f"{name.repository}{revision} at {constants.ENDPOINT} cannot be downloaded: {why}"
        ) from error
