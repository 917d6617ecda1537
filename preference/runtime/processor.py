"""The processor of this machine: its name, and the instructions that it has."""

import platform
from pathlib import Path

# Under this name, records have the processor next to the versions of the libraries.
PROCESSOR = "processor"
CPU_KEYS = ("cpu family", "model")
# What Linux calls the list of instructions on x86 and on Arm.
FLAGS = ("flags", "Features")
# Products of bfloat16 matrices: in tiles and vectors of x86, and on Arm.
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def processor_name() -> str:
    """Return the name of the processor: libraries choose their kernels by it.

    Virtual machines hide the name of the product, so that family and model are added to it.
    """
    values = _describe_first_core()
    name = values.get("model name") or platform.processor() or platform.machine()
    details = [f"{key.removeprefix('cpu ')} {values[key]}" for key in CPU_KEYS if values.get(key)]
    return f"{name} ({', '.join(details)})" if details else name


def processor_flags() -> frozenset[str]:
    """Return the instructions of the processor as Linux names them; none on other systems."""
    values = _describe_first_core()
    return frozenset(flag for key in FLAGS for flag in values.get(key, "").split())


def multiplies_bfloat16() -> bool:
    """Return whether the processor has instructions for products of bfloat16 matrices."""
    return bool(processor_flags() & BFLOAT16_FLAGS)


def _describe_first_core() -> dict[str, str]:
    """Return what Linux says of the first core: all have the same instructions."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    return {key.strip(): value.strip() for key, _, value in lines}
