"""Run stages of the pipeline in a folder of their own, and measure what each costs."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.benchmarks.process_meter import KIB_A_GIB
from preference.config.experiment import CONFIG, write_experiments
from preference.config.params import PARAMS_FILE, load_params
from preference.runtime.yaml_file import read_yaml, write_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DATA_STAGES = ("fetch", "split", "preprocess")


@dataclass(frozen=True)
class StageCost:
    """The wall time of a process, and the peak of its resident memory."""

    seconds: float
    peak_memory_gib: float


def child_environment() -> dict[str, str]:
    """Return the variables of every process that is measured."""
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def write_params(
    folder: Path,
    battles: int,
    length_scale: float,
    changes: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """Write params.yaml for a simulated arena and the experiment `baseline`, and data/config/.

    Args:
        folder: the folder of the stages, which is created if it does not exist.
        battles: the number of battles of the arena.
        length_scale: the length scale of the arena.
        changes: other values, by section.
    """
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["source"] = "simulated"
    params["data"]["simulated"] = {"battles": battles, "length_scale": length_scale}
    params["model"]["preset"] = "deberta_v3_tiny"
    params["experiments"] = {"baseline": {}}
    for section, values in (changes or {}).items():
        params[section] |= values
    folder.mkdir(parents=True, exist_ok=True)
    write_yaml(folder / PARAMS_FILE, params)
    write_experiments(load_params(folder / PARAMS_FILE), folder / CONFIG)


def run_stage(stage: str, folder: Path, *arguments: str) -> StageCost:
    """Run `python -m stages.<stage>` with the arguments, as `run_module` does."""
    return run_module(f"stages.{stage}", folder, *arguments)


def run_module(module: str, folder: Path, *arguments: str) -> StageCost:
    """Run `python -m <module>` in the folder; its output goes to `<module>.log` there.

    Raises:
        RuntimeError: it failed.
    """
    began = time.perf_counter()
    with (folder / f"{module}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=child_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            # `resource.getrusage` would return the maximum over all children.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{module} failed; the end of its output:\n{_tail(log.name)}")
    return StageCost(time.perf_counter() - began, usage.ru_maxrss / KIB_A_GIB)


def _tail(path: str) -> str:
    return "\n".join(Path(path).read_text().splitlines()[-20:])
