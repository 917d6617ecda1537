"""Read the tensors of a folder in Hugging Face format as float32 NumPy arrays, one at a time.

The weights are in `model.safetensors`, or in the parts that `model.safetensors.index.json` names.
PyTorch's `pytorch_model.bin` is not read: it is a pickle, which can run code. The library
safetensors checks that a file has exactly the content that its header describes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors

from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import check_file, read_json, refusing_damage
from preference.runtime.weight_file import WeightArray

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
# The deepest encoder has some 800 tensors, with 100 bytes each in the header.
LARGEST_HEADER, MOST_TENSORS = 2**21, 10_000
HEADER_SIZE_BYTES = 8
PRECISIONS = {"F16", "BF16", "F32", "F64"}
# Tensors of position and segment numbers, which are not weights.
COUNTERS = ("position_ids", "token_type_ids")


def read_tensors(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the float32 values of each tensor; only one is in memory at a time.

    Raises:
        BadInput: as for `weight_files`.
    """
    for file in weight_files(folder):
        with _open(file) as tensors:
            for name in tensors.keys():  # noqa: SIM118, it cannot be iterated
                yield name, tensors.get_tensor(name).astype(np.float32)


def list_tensors(folder: Path) -> list[WeightArray]:
    """Return the tensors that the headers of the files list.

    Raises:
        BadInput: as for `weight_files`; or a tensor is not floating-point; or there are more than
            `MOST_TENSORS` tensors.
    """
    tensors = [tensor for file in weight_files(folder) for tensor in _read_header(file)]
    if len(tensors) > MOST_TENSORS:
        raise BadInput(f"it has {len(tensors):,} tensors, and a model at most {MOST_TENSORS:,}")
    for tensor in tensors:
        if tensor.precision not in PRECISIONS and not tensor.name.endswith(COUNTERS):
            raise BadInput(
                f"tensor {tensor.name} is {tensor.precision}, and weights are floating-point "
                "numbers. Use a checkpoint that is not quantized."
            )
    return tensors


@contextmanager
def _open(file: Path) -> Iterator[safetensors.safe_open]:
    damage = refusing_damage(file.name, (safetensors.SafetensorError,))
    with damage, safetensors.safe_open(file, framework="np") as tensors:
        yield tensors


def _read_header(file: Path) -> Iterator[WeightArray]:
    check_file(file)
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(HEADER_SIZE_BYTES), "little")
    if size > LARGEST_HEADER:
        raise BadInput(
            f"{file.name} says that its header has {size:,} bytes, and a model's has at most "
            f"{LARGEST_HEADER:,}. Do not trust it."
        )
    with _open(file) as tensors:
        for name in tensors.keys():  # noqa: SIM118, it cannot be iterated
            part = tensors.get_slice(name)
            yield WeightArray(name, tuple(part.get_shape()), part.get_dtype())


def weight_files(folder: Path) -> list[Path]:
    """Return the paths of the weight files.

    Raises:
        BadInput: there is no weight file, one is missing, or the index names one elsewhere.
    """
    if (folder / WHOLE).is_file() and (folder / INDEX).is_file():
        raise BadInput(
            f"{folder} has both {WHOLE} and {INDEX}, and they may differ. Remove one of them."
        )
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
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(x, str) for x in weight_map.values()):
        raise BadInput(f"{index} has no weight_map. Download it again.")
    names = sorted(set(weight_map.values()))
    for name in names:
        if Path(name).name != name:
            raise BadInput(f"{index} names {name}, which is outside the folder. Do not trust it.")
        if not (index.parent / name).is_file():
            raise BadInput(f"{index} names {name}, which is not there. Download it too.")
    return [index.parent / name for name in names]
