"""What a file of weights (HDF5, as Keras writes it) holds, found out without reading a value.

HDF5 can promise more than a file has: compressed, repeated or never written values, links to other
files, groups without end. Keras uses none of that, and none of it is accepted.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import check_file

# The deepest encoder has some 3,000.
MOST_OBJECTS = 10_000
DEEPEST_GROUP = 32
# Bytes that names and positions may need beside the arrays.
MOST_BESIDE = 2**24
# Keras notes this one beside the values, for HDF5 has no name for it.
BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class WeightArray:
    """One array of a file of weights: its name there, shape, and precision such as `float32`."""

    name: str
    shape: tuple[int, ...]
    precision: str

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def list_arrays(path: Path, precisions: Sequence[str]) -> list[WeightArray]:
    """Return the arrays of a file; together they are no larger than the file.

    Raises:
        BadInput: the file is no HDF5, or has what Keras does not write, or an array of a precision
            that is not among `precisions`. The message names it.
    """
    check_file(path)
    try:
        with h5py.File(path, "r") as file:
            datasets = [*_walk(file)]
            arrays = [_describe(dataset) for dataset in datasets]
            stored = sum(dataset.nbytes for dataset in datasets)
    # What is damaged fails as OSError, KeyError, RuntimeError or otherwise.
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"it is not a whole HDF5 file ({error})") from error
    size = path.stat().st_size
    if not stored <= size <= 2 * stored + MOST_BESIDE:
        raise BadInput(f"it has {size:,} bytes, and its arrays {stored:,}")
    for array in arrays:
        if array.precision not in precisions:
            expected = " or ".join(precisions)
            raise BadInput(f"{array.name} is {array.precision}, and {expected} is expected")
    return arrays


def _walk(file: h5py.File) -> Iterator[h5py.Dataset]:
    groups, found = [file], 0
    while groups:
        group = groups.pop()
        found += len(group)
        if found > MOST_OBJECTS or group.name.count("/") > DEEPEST_GROUP:
            raise BadInput(f"it has more groups than a model of ours, as {group.name[-80:]}")
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise BadInput(f"{group.name}/{name} is no array: {type(link).__name__}")
            item = group[name]
            if isinstance(item, h5py.Dataset):
                yield item
            else:
                groups.append(item)


def _describe(dataset: h5py.Dataset) -> WeightArray:
    name = dataset.name.lstrip("/")
    if dataset.external or dataset.is_virtual:
        raise BadInput(f"{name} is an external Dataset, whose values stand in another file")
    if dataset.shape is None or dataset.chunks or dataset.id.get_storage_size() != dataset.nbytes:
        raise BadInput(f"{name} is {dataset.shape}, and has not stored as many values")
    noted = dataset.attrs.get("dtype") if dataset.dtype.itemsize == 2 else None
    return WeightArray(name, dataset.shape, BFLOAT16 if noted == BFLOAT16 else str(dataset.dtype))
