"""The tensors in a folder of Hugging Face format, one after the other, as float32 NumPy arrays.

Read are `model.safetensors`, or the parts that `model.safetensors.index.json` names. Torch's
`pytorch_model.bin` is not: it is a pickle, which can run code when it is read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import safetensors

from preference.errors import BadInput

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def read_tensors(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values of each tensor, float32; one is in memory at a time.

    Raises:
        BadInput: as `weight_files`.
    """
    for file in weight_files(folder):
        with safetensors.safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118, it cannot be iterated
                yield name, tensors.get_tensor(name).astype(np.float32)


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights.

    Raises:
        BadInput: there are none, one is missing, or the index names one outside the folder.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        return _parts(folder / INDEX)
    command = "AutoModel.from_pretrained('NAME OR FOLDER').save_pretrained('FOLDER')"
    raise BadInput(
        f"{folder} holds no weights in {WHOLE}. Those in pytorch_model.bin are a pickle, which can "
        "run code and is not read. Where you trust it, write safetensors by transformers: "
        f'python -c "from transformers import AutoModel; {command}"'
    )


def _parts(index: Path) -> list[Path]:
    names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    for name in names:
        if Path(name).name != name:
            raise BadInput(f"{index} names {name}, which is outside the folder. Do not trust it.")
        if not (index.parent / name).is_file():
            raise BadInput(f"{index} names {name}, which is not there. Download it too.")
    return [index.parent / name for name in names]
