"""What a long run will take, told before it starts: downloads, disk, memory, device and hours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
from huggingface_hub import constants
from kagglehub.config import get_cache_folder

from arena55k.pin import read_pin
from preference.config.params import Params, load_params
from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from profiles.cost import CPU, Timing, training_hours
from profiles.downloads import Download, list_downloads

GIGA = 1e9
# Each output lies in the workspace and in DVC's cache. The battles are a table, and tokens; in the
# workspace, weights lie in a bundle, too, and the cache has what is the same but once.
COPIES, COPIES_OF_WEIGHTS, FORMS_OF_BATTLES = 2, 3, 2
# A checkpoint holds weights, two moments of each, and the best weights; the next lies beside it.
CHECKPOINT_WEIGHTS = 2 * 4


def tell_plan(params_file: Path, force: bool) -> None:
    """Print what a run with these parameters, on as many battles as the real set, will take.

    Args:
        force: run on a CPU, too, and where the disk may be too small.

    Raises:
        BadInput: the disk is too small or there is no GPU, and no `force`; or a preset's
            configuration cannot be had.
    """
    params = load_params(params_file)
    downloads = list_downloads(params)
    for line in tell_downloads(downloads):
        print(one_line(line))
    missing = missing_bytes(downloads)
    hub, kaggle = Path(constants.HF_HOME).expanduser(), Path(get_cache_folder())
    for cache, name in {hub: "HF_HOME", kaggle: "KAGGLEHUB_CACHE"}.items():
        check_disk(cache, missing, f"Make room, or let {name} name another disk", force)
    check_disk(Path.cwd(), output_bytes(downloads, params), "Make room", force)
    print(f"Free memory: {quantity(psutil.virtual_memory().available)}.")
    print("Timing a few steps of each backbone, with random weights …", flush=True)
    timings = time_experiments(params, params_file)
    device = next(iter(timings.values())).device
    print(f"Device: {one_line(device)}.")
    battles = read_pin().battles
    hours = {
        name: training_hours(params.experiment(name), timing, battles)
        for name, timing in timings.items()
    }
    for name, timing in timings.items():
        rate = 1 / timing.train_seconds
        print(f"- {name}: {rate:,.1f} battles/s of training, about {hours[name]:,.1f} hours.")
    total = sum(hours.values())
    print(f"Together about {total:,.1f} hours for {battles:,} battles.", flush=True)
    if device == CPU and not force:
        raise BadInput(
            "TensorFlow finds no GPU here. To run all the same, for as many hours, say FORCE=1, "
            "as in make arena55k FORCE=1."
        )


def tell_downloads(downloads: list[Download]) -> list[str]:
    """Return a line for each, and their sum."""
    lines = [f"- {one.what}: {_size(one)}" for one in downloads]
    return ["To download:", *lines, f"Together {quantity(missing_bytes(downloads))}."]


def missing_bytes(downloads: list[Download]) -> int:
    """Return how much is not on this machine, as far as its size is known."""
    return sum(one.size or 0 for one in downloads if not one.cached)


def _size(download: Download) -> str:
    if download.cached:
        return "on this machine already"
    return "of unknown size" if download.size is None else quantity(download.size)


def quantity(size: float) -> str:
    """Return bytes as people read them."""
    return f"{size / GIGA:.1f} GB" if size >= GIGA / 10 else f"{size / 1e6:.0f} MB"


def output_bytes(downloads: list[Download], params: Params) -> int:
    """Return about what outputs take: weights of each arm, the battles, and checkpoints."""
    sizes = {one.what: one.size or 0 for one in downloads}
    arms = [
        sizes.get(params.experiment(name).model.preset, 0)
        * len(params.experiment(name).training_seeds())
        for name in params.experiments
    ]
    battles = FORMS_OF_BATTLES * read_pin().size
    checkpoint = CHECKPOINT_WEIGHTS * max(sizes.values(), default=0)
    return COPIES_OF_WEIGHTS * sum(arms) + COPIES * battles + checkpoint


def check_disk(place: Path, needed: int, advice: str, force: bool) -> None:
    """Print the free disk.

    Raises:
        BadInput: it has less than `needed` bytes, and no `force`.
    """
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    told = f"Free disk at {place}: {quantity(free)}; needed are about {quantity(needed)}."
    print(one_line(told))
    if free < needed and not force:
        raise BadInput(
            f"{place} has {quantity(free)} of disk, and about {quantity(needed)} are needed. "
            f"{advice}, or say FORCE=1."
        )


def time_experiments(params: Params, params_file: Path) -> dict[str, Timing]:
    """Return the timing of each experiment; those that compute the same share one.

    Args:
        params_file: that `params` were read from, for the process that times them.
    """
    found, timings = {}, {}
    for name in params.experiments:
        arm = params.experiment(name)
        model = (arm.model.preset, arm.model.seq_len)
        key = (*model, arm.train.tokens_per_batch, arm.train.precision, arm.train.jit)
        if key not in found:
            found[key] = _time_experiment(params_file, name)
        timings[name] = found[key]
    return timings


def _time_experiment(params_file: Path, name: str) -> Timing:
    command = [sys.executable, "-m", "profiles.timing", str(params_file), name]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, text=True, capture_output=True, env=environment)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        raise BadInput(f"{name} cannot be timed: {''.join(reason).removeprefix('error: ')}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))
