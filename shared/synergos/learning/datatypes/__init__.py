"""Data types: what participants agree on about tables, images, … ; one file each, named as the worker's pipelines are."""

from __future__ import annotations

from synergos.learning.datatypes.datatype import DataType
from synergos.learning.datatypes.image import IMAGE
from synergos.learning.datatypes.tabular import TABULAR
from synergos.registry import Registry

__all__ = ["DATATYPES", "DataType", "get"]

DATATYPES: Registry[DataType] = Registry("a data type", IMAGE, TABULAR)


def get(name: object, field: str = "datatype") -> DataType:
    """The data type of that name.

    Raises:
        UnknownName: there is none.
    """
    return DATATYPES.get(name, field)
