"""Pipelines: how rows of one data type become tensors. One module per data type, all with the same steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.errors import UnusableData
from synergos_worker.pipelines.image import ImagePipeline
from synergos_worker.pipelines.pipeline import Description, Examples, Pipeline, Table
from synergos_worker.pipelines.tabular import TabularPipeline

__all__ = ["Description", "Examples", "Pipeline", "Table", "pipeline_for"]

_PIPELINES: Mapping[str, type[Pipeline[Any]]] = {"image": ImagePipeline, "tabular": TabularPipeline}


def pipeline_for(datatype: str, field: str) -> Pipeline[Any]:
    """The pipeline for datasets of that type.

    Raises:
        UnusableData: there is none (yet).
    """
    if datatype not in _PIPELINES:
        raise UnusableData(f"datasets of type {datatype!r} are not supported by this version of the worker", field)
    return _PIPELINES[datatype]()
