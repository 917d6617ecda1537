"""What a long run will take, told before it starts: downloads, disk, memory, device and hours."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
from huggingface_hub import constants

from arena55k.pin import read_pin
from preference.errors import BadInput
from preference.params import Params, load_params
from profiles.cost import CPU, Timing, training_hours
from profiles.downloads import Download, list_downloads

GIGA = 1e9
# Each output lies in the workspace and in DVC's cache; the battles are a table and tokens besides.
COPIES, FORMS_OF_DATA = 2, 2


def tell_plan(params_file: Path, force: bool) -> None:
    """Print what a run with these parameters will take.

    Args:
        force: run on a CPU, too.

    Raises:
        BadInput: the disk is too small, there is no GPU and no `force`, or a preset's
            configuration cannot be had.
    """
    params = load_params(params_file)
    downloads = list_downloads(params)
    for line in tell_downloads(downloads):
        print(line)
    check_disk(needed_bytes(downloads, params))
    print(f"Free memory: {quantity(psutil.virtual_memory().available)}.")
    print("Timing a few steps of each backbone, with random weights …", flush=True)
    timings = time_experiments(params_file)
    device = next(iter(timings.values())).device
    print(f"Device: {device}.")
    hours = {
        name: training_hours(params.experiment(name), timing, read_pin().battles)
        for name, timing in timings.items()
    }
    for name, timing in timings.items():
        rate = 1 / timing.train_seconds
        print(f"- {name}: {rate:,.1f} battles/s of training, about {hours[name]:,.1f} hours.")
    print(f"Together about {sum(hours.values()):,.1f} hours.", flush=True)
    if device == CPU and not force:
        raise BadInput(
            "TensorFlow finds no GPU here. To run all the same, for as many hours, say FORCE=1: "
            "make arena55k FORCE=1."
        )


def tell_downloads(downloads: list[Download]) -> list[str]:
    """Return a line for each, and their sum."""
    lines = [f"- {one.what}: {_size(one)}" for one in downloads]
    total = sum(one.size or 0 for one in downloads if not one.cached)
    return ["To download:", *lines, f"Together {quantity(total)}."]


def _size(download: Download) -> str:
    if download.cached:
        return "on this machine already"
    return "of unknown size" if download.size is None else f"{quantity(download.size)}"


def quantity(size: float) -> str:
    """Return bytes as people read them."""
    return f"{size / GIGA:.1f} GB" if size >= GIGA / 10 else f"{size / 1e6:.0f} MB"


def needed_bytes(downloads: list[Download], params: Params) -> int:
    """Return what downloads and outputs take: weights of each arm, the table and its tokens."""
    sizes = {one.what: one.size or 0 for one in downloads}
    arms = (params.experiment(name).model.preset for name in params.experiments)
    weights = sum(sizes.get(preset, 0) for preset in arms) * len(params.training_seeds())
    missing = sum(one.size or 0 for one in downloads if not one.cached)
    return missing + COPIES * (weights + FORMS_OF_DATA * read_pin().size)


def check_disk(needed: int) -> None:
    """Print the free disk, of the repository and of the hub's cache.

    Raises:
        BadInput: one of them has less than `needed` bytes.
    """
    for place in (Path.cwd(), Path(constants.HF_HOME).expanduser()):
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        print(f"Free disk: {quantity(free)} at {place}; needed are about {quantity(needed)}.")
        if free < needed:
            raise BadInput(
                f"{place} has {quantity(free)} of disk, and about {quantity(needed)} are needed. "
                "Make room, or let HF_HOME name another disk."
            )


def time_experiments(params_file: Path) -> dict[str, Timing]:
    """Return the timing of each experiment; those that compute the same share one."""
    params, found, timings = load_params(params_file), {}, {}
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
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        raise BadInput(f"{name} cannot be timed: {''.join(reason).removeprefix('error: ')}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))
