"""Memory for what has a row's worth of something for every row."""

from __future__ import annotations

import math
import mmap
from typing import TypeVar

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
