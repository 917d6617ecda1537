"""List the arrays of a weights file (HDF5, as Keras writes it) without reading their values.

HDF5 can describe more data than the file holds: compressed, repeated or never written values, links
to other files, endless groups. Keras uses no such feature, and files with one are refused.
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
# In bytes, for the names and positions of the arrays.
LARGEST_OVERHEAD = 2**24
# HDF5 has no such type, so Keras writes it as an attribute.
BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class WeightArray:
    """One array of a weights file; the precision is a name such as `float32`."""

    name: str
    shape: tuple[int, ...]
    precision: str

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def list_arrays(path: Path, precisions: Sequence[str]) -> list[WeightArray]:
    """Return the arrays of a file, which together are not larger than the file.

    Args:
        path: the file.
        precisions: the precisions that are accepted.

    Raises:
        BadInput: the file is not HDF5, has something that Keras does not write, or an array of
            another precision. The message names it.
    """
    check_file(path)
    try:
        with h5py.File(path, "r") as file:
            datasets = [*_walk(file)]
            arrays = [_describe(dataset) for dataset in datasets]
            stored = sum(dataset.nbytes for dataset in datasets)
    # h5py raises any of these on a damaged file.
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"it is not a whole HDF5 file ({error})") from error
    size = path.stat().st_size
    if not stored <= size <= 2 * stored + LARGEST_OVERHEAD:
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
