"""Report what a long run needs before it starts: downloads, disk, memory, device and hours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
from huggingface_hub import constants
from kagglehub.config import get_cache_folder

from arena55k.pin import read_pin
from preference.config.params import Params, load_params
from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.sources.open_sources import NAMED_SOURCES, open_sources
from preference.training.threads import thread_variables
from profiles.cost import CPU, Timing, training_hours
from profiles.downloads import Download, list_downloads

GIGA = 1e9
# An output is stored in the workspace and in DVC's cache. Weights are in the workspace twice, the
# second time in a bundle; the cache stores equal files once. Battles are stored as a table and as
# tokens.
COPIES, COPIES_OF_WEIGHTS, FORMS_OF_BATTLES = 2, 3, 2
# A checkpoint holds weights, two moments of each, and the best weights. While the next one is
# written, there are two.
CHECKPOINT_WEIGHTS = 2 * 4


# How many hours a run may take on a CPU without being asked.
MOST_CPU_HOURS = 4


def report_plan(params_file: Path, force: bool) -> None:
    """Print what a run with these parameters needs.

    Args:
        params_file: the parameters.
        force: run for hours without a GPU, and even if the disk may be too small.

    Raises:
        BadInput: the disk is too small, or there is no GPU and the run takes long, and `force` is
            not set; or a preset's configuration or the file of battles cannot be used.
    """
    params = load_params(params_file)
    battles = count_battles(params)
    downloads = list_downloads(params)
    for line in describe_downloads(downloads):
        print(one_line(line))
    missing = missing_bytes(downloads)
    hub, kaggle = Path(constants.HF_HOME).expanduser(), Path(get_cache_folder())
    for cache, name in {hub: "HF_HOME", kaggle: "KAGGLEHUB_CACHE"}.items():
        check_disk(cache, missing, f"Make room, or set {name} to a folder on another disk", force)
    check_disk(Path.cwd(), output_bytes(downloads, params), "Make room", force)
    print("Timing a few steps of each backbone, with random weights …", flush=True)
    timings = time_experiments(params, params_file)
    hours = _report_hours(params, timings, battles)
    device = next(iter(timings.values())).device
    peak = quantity(max(timing.peak_memory for timing in timings.values()))
    free = quantity(psutil.virtual_memory().available)
    print(f"Memory: these steps took {peak}, without that of a GPU; free: {free}.", flush=True)
    if device == CPU and hours > MOST_CPU_HOURS and not force:
        raise BadInput(
            "TensorFlow finds no GPU here. To run all the same, for as many hours, say FORCE=1, "
            "as in make arena55k FORCE=1."
        )


def count_battles(params: Params) -> int:
    """Return the number of rows of a file or folder, or that of the real data set for a download.

    Raises:
        BadInput: there is no such file, or it cannot be read.
    """
    if params.data.source in NAMED_SOURCES:
        return read_pin().battles
    parts = (rows for source in open_sources(params) for rows in source.parts.values())
    return sum(1 for rows in parts for _ in rows)


def _report_hours(params: Params, timings: Mapping[str, Timing], battles: int) -> float:
    print(f"Device: {one_line(next(iter(timings.values())).device)}.")
    total = 0.0
    for name, timing in timings.items():
        hours = training_hours(params.experiment(name), timing, battles)
        total += hours
        rate = 1 / timing.train_seconds
        print(f"- {name}: {rate:,.1f} battles/s of training, about {hours:,.1f} hours.")
    print(f"Together about {total:,.1f} hours for {battles:,} battles.", flush=True)
    return total


def describe_downloads(downloads: list[Download]) -> list[str]:
    """Return a line for each download, and one for their sum."""
    lines = [f"- {one.what}: {_size(one)}" for one in downloads]
    return ["To download:", *lines, f"Together {quantity(missing_bytes(downloads))}."]


def missing_bytes(downloads: list[Download]) -> int:
    """Return the bytes that are not on this machine, as far as their size is known."""
    return sum(one.size or 0 for one in downloads if not one.cached)


def _size(download: Download) -> str:
    if download.cached:
        return "on this machine already"
    return "of unknown size" if download.size is None else quantity(download.size)


def quantity(size: float) -> str:
    """Return a number of bytes in GB or MB."""
    return f"{size / GIGA:.1f} GB" if size >= GIGA / 10 else f"{size / 1e6:.0f} MB"


def output_bytes(downloads: list[Download], params: Params) -> int:
    """Return the approximate size of weights, battles and checkpoints, in bytes."""
    sizes = {one.what: one.size or 0 for one in downloads}
    experiments = [params.experiment(name) for name in params.experiments]
    weights = sum(sizes.get(one.model.preset, 0) * len(one.training_seeds()) for one in experiments)
    battles = FORMS_OF_BATTLES * read_pin().size
    checkpoint = CHECKPOINT_WEIGHTS * max(sizes.values(), default=0)
    return COPIES_OF_WEIGHTS * weights + COPIES * battles + checkpoint


def check_disk(place: Path, needed: int, advice: str, force: bool) -> None:
    """Print the free space of a disk.

    Args:
        place: a folder on the disk; it need not exist.
        needed: the bytes that are needed.
        advice: what to do if there are fewer.
        force: do not stop.

    Raises:
        BadInput: fewer than `needed` bytes are free, and `force` is not set.
    """
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    print(one_line(f"Free disk at {place}: {quantity(free)}; needed: about {quantity(needed)}."))
    if free < needed and not force:
        raise BadInput(
            f"{place} has {quantity(free)} of disk, and about {quantity(needed)} are needed. "
            f"{advice}, or say FORCE=1."
        )


def time_experiments(params: Params, params_file: Path) -> dict[str, Timing]:
    """Return the timing of each experiment. Experiments that cost the same share one.

    Args:
        params: the parameters.
        params_file: the file of these parameters, for the process that measures the time.
    """
    found: dict[tuple[object, ...], Timing] = {}
    timings = {}
    for name in params.experiments:
        model, train = params.experiment(name).model, params.experiment(name).train
        key = (
            model.preset,
            model.seq_len,
            train.tokens_per_batch,
            train.precision,
            train.threads,
            train.jit,
            train.freeze,
            train.lora_rank,
            train.weight_average,
        )
        if key not in found:
            found[key] = _time_experiment(params_file, name, train.threads)
        timings[name] = found[key]
    return timings


def _time_experiment(params_file: Path, name: str, threads: int | None) -> Timing:
    command = [sys.executable, "-m", "profiles.timing", str(params_file), name]
    environment = {**os.environ, **thread_variables(threads), "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, text=True, capture_output=True, env=environment)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        raise BadInput(f"{name} cannot be timed: {''.join(reason).removeprefix('error: ')}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))
