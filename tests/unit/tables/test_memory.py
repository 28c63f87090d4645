"""Memory for rows: zeros, that can be written, however much of it there is."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from synergos.tables.memory import let_go, zeros


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


def test_of_what_is_let_go_the_rest_stays_as_it_is() -> None:
    columns = zeros((3, 1_000_003), np.float64).T
    columns[:] = np.arange(3) + 1.0

    let_go(columns, 500_001)

    # Nothing is given back in parts of pages.
    assert (columns[1000:499_000] == 0).all()
    assert (columns[500_001:] == [1, 2, 3]).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: zeros((3, 4), np.float64).T,
        lambda: np.ones((2**20, 2), order="F"),
        lambda: zeros((2**20, 2), np.float64),
    ],
    ids=["small", "of numpy", "row by row"],
)
def test_other_memory_is_left_alone(make: Callable[[], NDArray[np.float64]]) -> None:
    array = make()
    array[:] = 1.0

    let_go(array, len(array))

    assert (array == 1.0).all()
