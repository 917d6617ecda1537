"""Open the sources that `data.source` and `data.extra` of params.yaml name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from preference.config.data_params import SIMULATED
from preference.config.params import Params
from preference.runtime.errors import BadInput
from preference.sources.parts import list_parts
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource, DownloadedFile

# The values of data.source that are no paths, and what each one is.
NAMED_SOURCES = {
    SIMULATED: "made by this repository",
    "arena55k": "downloaded from the Hugging Face hub",
    "kaggle": "downloaded with a Kaggle account",
    "huggingface": "the data set of the hub that data.hub names",
}


def open_sources(params: Params) -> list[BattleSource]:
    """Return the main source, then the extra ones.

    Raises:
        BadInput: a download failed or gave another file than the pinned one, a file cannot be
            opened (see `read_source_rows`), or is named twice.
    """
    extra = [
        replace(_read_files(name, {name: Path(name)}), extra=True) for name in params.data.extra
    ]
    main = _open_main_source(params)
    for name in params.data.extra:
        if name in main.parts:
            raise BadInput(
                f"data.extra in params.yaml names {name}, which is a file of data.source. Remove "
                "it from data.extra."
            )
    return [main, *extra]


def _open_main_source(params: Params) -> BattleSource:
    # Imported here, so that a run depends on the code of its own source alone.
    name = params.data.source
    if name == SIMULATED:
        from simulated import simulate_rows

        simulation = params.data.simulated
        rows = simulate_rows(simulation.battles, simulation.length_scale, params.seed)
        return BattleSource(name, {name: enumerate(rows, start=1)})
    if name == "arena55k":
        from arena55k import download_battles

        return _open_download(name, download_battles())
    if name == "kaggle":
        from kaggle import download_battles

        return _open_download(name, download_battles())
    if name == "huggingface":
        from huggingface import download_dataset

        return _open_files(name, download_dataset(params.data.hub))
    path = Path(name)
    if not path.exists():
        known = ", ".join(f"{one} ({what})" for one, what in NAMED_SOURCES.items())
        raise BadInput(
            f"{name} does not exist. Put the file there, or correct data.source in params.yaml: it "
            f"is the path of a file or of a folder, or one of {known}."
        )
    return _read_files(name, {part.as_posix(): part for part in list_parts(path)})


def _open_download(name: str, download: DownloadedFile) -> BattleSource:
    return _open_files(name, {name: download})


def _open_files(name: str, files: Mapping[str, DownloadedFile]) -> BattleSource:
    source = _read_files(name, {part: file.path for part, file in files.items()})
    return replace(source, downloads=files)


def _read_files(name: str, files: Mapping[str, Path]) -> BattleSource:
    unread: Counter[str] = Counter()
    parts = {part: read_source_rows(path, unread=unread) for part, path in files.items()}
    return BattleSource(name, parts, unread=unread)
