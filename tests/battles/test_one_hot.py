import numpy as np
import pytest

from preference.battles.table import one_hot


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_by_hand(dtype):
    encoded = one_hot(np.array([2, 0, 1], dtype=np.int8), dtype)
    assert encoded.dtype == dtype
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
