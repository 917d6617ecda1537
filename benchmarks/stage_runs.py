"""Run real stages of the pipeline in a folder of their own, and see what each takes."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.process_meter import KIB_A_GIB

REPOSITORY = Path(__file__).resolve().parents[1]
DATA_STAGES = ("fetch", "split", "preprocess")


@dataclass(frozen=True)
class StageCost:
    """Wall time, and resident memory at most, of a stage's process."""

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


def write_params(folder: Path, battles: int, length_scale: float) -> None:
    """Write the repository's parameters, for a simulated arena and one experiment alone."""
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    params["data"]["source"] = "simulated"
    params["data"]["simulated"] = {"battles": battles, "length_scale": length_scale}
    params["model"]["preset"] = "deberta_v3_tiny"
    params["experiments"] = {"baseline": {}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def run_stage(stage: str, folder: Path) -> StageCost:
    """Run `python -m stages.<stage>` in the folder; its output goes to `<stage>.log` there.

    Raises:
        RuntimeError: the stage failed.
    """
    began = time.perf_counter()
    with (folder / f"{stage}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}"],
            cwd=folder,
            env=child_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        # Of this child alone, where `resource.getrusage` knows the largest of all children.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the stage {stage} failed; the end of its output:\n{_tail(log.name)}")
    return StageCost(time.perf_counter() - began, usage.ru_maxrss / KIB_A_GIB)


def _tail(path: str) -> str:
    return "\n".join(Path(path).read_text().splitlines()[-20:])
