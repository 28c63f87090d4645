"""Readers: how raw rows of one data type become inputs of a trained model. One module per data type."""

from __future__ import annotations

from synergos.errors import NotSupported
from synergos.model.readers.image import ImageReader
from synergos.model.readers.reader import Choice, Reader, ReadRows, Rows
from synergos.model.readers.tabular import TabularReader
from synergos.registry import Registry

__all__ = ["READERS", "Choice", "ReadRows", "Reader", "Rows", "get"]

READERS: Registry[Reader] = Registry("a data type", ImageReader(), TabularReader())
"""By data type. What participants agree on about each is in :mod:`synergos.learning.datatypes`, under the same name."""


def get(datatype: str) -> Reader:
    """The reader for a data type.

    Raises:
        NotSupported: there is none.
    """
    if datatype not in READERS.names:
        raise NotSupported(f"rows of the data type {datatype!r} can only be read by a worker")
    return READERS.get(datatype, "datatype")
