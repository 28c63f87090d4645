"""Memory for rows: zeros, that can be written, however much of it there is."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from synergos.tables.memory import zeros


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 5), (3, 2**20)])
def test_it_is_zeros_that_can_be_written(shape: tuple[int, ...]) -> None:
    found = zeros(shape, np.float32)

    assert found.shape == shape
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert not found.any()
    found += 1
    assert found.sum() == found.size


def test_it_goes_with_the_last_who_has_it() -> None:
    found = zeros((2**20,), np.float64)
    memory, view = weakref.ref(found.base), found[1:]

    del found
    assert memory() is not None
    view[0] = 1.0
    del view

    assert memory() is None
