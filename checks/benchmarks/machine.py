"""Describe the machine of a measurement. As a command, print versions of packages as JSON."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

from checks.benchmarks.stage_runs import REPOSITORY
from preference.runtime.processor import processor_flags

KERAS_PACKAGES = ("tensorflow", "jax", "keras", "keras-hub", "numpy")
TORCH_PACKAGES = ("torch", "transformers")
KIB_A_GIB = 2**20
# As Linux names them: tiles of x86, its vectors, then those of Arm.
MATRIX_FLAGS = (
    *("amx_bf16", "amx_fp16", "amx_int8"),
    *("avx512_bf16", "avx512_fp16", "avx512_vnni", "avx512f", "avx2", "fma"),
    *("sme", "sve", "bf16", "i8mm", "asimd"),
)


def describe_machine(torch_python: Path | None) -> dict[str, str]:
    """Return hardware and versions, which a reader needs to judge the results.

    Args:
        torch_python: the Python whose PyTorch is measured, None where it is not.
    """
    return {
        "processor": _first_value("/proc/cpuinfo", "model name"),
        "matrix instructions": matrix_instructions(processor_flags()) or "none known",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{_memory_gib():.0f} GiB",
        **({"gpu": gpu} if (gpu := gpu_name()) else {}),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        **package_versions(KERAS_PACKAGES),
        **(_torch_versions(torch_python) if torch_python else {}),
    }


def matrix_instructions(flags: Collection[str]) -> str:
    """Return the flags of instructions that speed up matrix products, the fastest first."""
    return " ".join(flag for flag in MATRIX_FLAGS if flag in flags)


def gpu_name() -> str | None:
    """Return the name of the first GPU that NVIDIA's driver lists, or None."""
    if not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.splitlines()[0] if found.returncode == 0 and found.stdout else None


def package_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the version of each installed package."""
    return {package: version(package) for package in packages}


def _torch_versions(python: Path) -> dict[str, str]:
    command = [python, "-m", "checks.benchmarks.machine", *TORCH_PACKAGES]
    return json.loads(subprocess.check_output(command, cwd=REPOSITORY, text=True))


def _memory_gib() -> float:
    return int(_first_value("/proc/meminfo", "MemTotal").split()[0]) / KIB_A_GIB


def _first_value(path: str, key: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(key))


if __name__ == "__main__":
    print(json.dumps(package_versions(tuple(sys.argv[1:]))))
