"""Summarize kills and faults: the content of the JSON file."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from checks.faults.fault import FaultResult
from checks.faults.kills import StageKills
from checks.faults.settings import PARAMETERS, Settings

PACKAGES = ("dvc", "dvclive", "keras", "tensorflow")


def summarize(
    kills: Mapping[str, StageKills], faults: Sequence[FaultResult], settings: Settings
) -> dict[str, Any]:
    """Return sums, the kills of each stage, and each fault.

    `kills` is the number of processes that were killed while they ran, and `identical` the number
    of kills after which the next undisturbed `dvc repro` gave the undisturbed result.
    """
    return {
        "simulated": True,
        "kills": sum(len(stage.moments) for stage in kills.values()),
        "identical": sum(stage.identical for stage in kills.values()),
        "runs_compared": sum(stage.runs for stage in kills.values()),
        "ended_before_the_kill": sum(stage.missed for stage in kills.values()),
        "resumed_trainings": sum(stage.resumed for stage in kills.values()),
        "needed_a_remedy": sum(len(stage.helped) for stage in kills.values()),
        "faults_caused": sum(fault.skipped is None for fault in faults),
        "faults_identical": sum(fault.identical for fault in faults),
        "seed": settings.seed,
        "stages": [{"stage": name, **asdict(stage)} for name, stage in kills.items()],
        "faults": [asdict(fault) for fault in faults],
        "parameters": PARAMETERS,
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.release().split('-')[0]}",
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
