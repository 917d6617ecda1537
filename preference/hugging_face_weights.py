"""The tensors in a folder of Hugging Face format, one after the other, as float32 NumPy arrays.

Read are `model.safetensors`, the parts that `model.safetensors.index.json` names, and, where torch
is installed, `pytorch_model.bin` or its parts. Of the last, weights alone: a pickle that would run
code is refused.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import safetensors

from preference.errors import BadInput

# In the order of preference. Of each: one file, and the index of a file cut into parts.
WEIGHTS = (
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
)


def read_tensors(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values of each tensor, float32; of safetensors, one is in memory.

    Raises:
        BadInput: the folder has no weights, a part of them is missing, torch is needed, or torch
            finds more than weights.
    """
    for file in weight_files(folder):
        read = _read_safetensors if file.suffix == ".safetensors" else _read_torch
        yield from read(file)


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights, of the preferred format.

    Raises:
        BadInput: there are none, or one is missing.
    """
    for whole, index in WEIGHTS:
        if (folder / whole).is_file():
            return [folder / whole]
        if (folder / index).is_file():
            return _parts(folder / index)
    names = ", ".join(name for names in WEIGHTS for name in names)
    raise BadInput(f"{folder} holds no weights: there is none of {names}. Download one of them.")


def check_safetensors(folder: Path) -> None:
    """Stop where the weights are in torch's format alone.

    Raises:
        BadInput: they are, or there are none.
    """
    file, *_ = weight_files(folder)
    if file.suffix != ".safetensors":
        raise BadInput(f"keras-hub cannot read {file}. {_how_to_convert(folder)}")


def _how_to_convert(folder: Path) -> str:
    command = f"AutoModel.from_pretrained('{folder}').save_pretrained('{folder}')"
    return (
        "Where transformers is installed, write model.safetensors beside it: "
        f'python -c "from transformers import AutoModel; {command}"'
    )


def _parts(index: Path) -> list[Path]:
    names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    for name in names:
        if not (index.parent / name).is_file():
            raise BadInput(f"{index} names {name}, which is not there. Download it too.")
    return [index.parent / name for name in names]


def _read_safetensors(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    with safetensors.safe_open(file, framework="np") as tensors:
        for name in tensors.keys():  # noqa: SIM118, it cannot be iterated
            yield name, tensors.get_tensor(name).astype(np.float32)


def _read_torch(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    try:
        import torch
    except ImportError as error:
        raise BadInput(
            f"{file} is read by torch, which is not installed. Run `pip install torch`. "
            f"{_how_to_convert(file.parent)}"
        ) from error
    try:
        tensors = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise BadInput(
            f"{file} is damaged, or holds more than weights and could run code: it is not read. "
            "Use a checkpoint with model.safetensors."
        ) from error
    for name, tensor in tensors.items():
        yield name, tensor.float().numpy()
