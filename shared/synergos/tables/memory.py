"""Memory for what has a row's worth of something for every row."""

from __future__ import annotations

import math
import mmap
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_LARGE = 2**22
"""Bytes from which on numpy asks for huge pages."""

Kind = TypeVar("Kind", bound=np.generic)


def zeros(shape: tuple[int, ...], kind: type[Kind]) -> NDArray[Kind]:
    """An array of zeros, in pages of the usual size however large it is.

    In a virtual machine, huge ones are mostly where it has not been yet: that they are handed out takes up to ten times as long.
    """
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size < _LARGE:
        return np.zeros(shape, dtype=kind)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype=kind).reshape(shape)


def let_go(columns: NDArray[Any], rows: int) -> None:
    """Give the first rows of a large array back to the system: nobody may read them again.

    Args:
        columns: (rows, columns), column by column in memory that :func:`zeros` made; of other arrays nothing is given back.
    """
    memory = _mapped(columns)
    if memory is None or columns.strides[0] != columns.itemsize:
        return
    start = columns.ctypes.data - np.frombuffer(memory, dtype=np.uint8).ctypes.data
    for column in range(columns.shape[1]):
        first = start + column * columns.strides[1]
        whole = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (first + rows * columns.itemsize - whole) // mmap.PAGESIZE * mmap.PAGESIZE
        if length > 0:
            memory.madvise(mmap.MADV_DONTNEED, whole, length)


def _mapped(array: NDArray[Any]) -> mmap.mmap | None:
    """The memory of an array, if it is mapped."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    return owner if isinstance(owner, mmap.mmap) else None
