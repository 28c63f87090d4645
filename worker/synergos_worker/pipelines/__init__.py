"""Pipelines: how rows of one data type become tensors. One module per data type, all with the same steps."""

from __future__ import annotations

from typing import Any

from synergos.registry import Registry
from synergos_worker.pipelines.image import ImagePipeline
from synergos_worker.pipelines.pipeline import Contents, Description, Examples, Pipeline, Table
from synergos_worker.pipelines.tabular import TabularPipeline

__all__ = ["PIPELINES", "Contents", "Description", "Examples", "Pipeline", "Table"]

PIPELINES: Registry[Pipeline[Any]] = Registry("a data type", ImagePipeline(), TabularPipeline())
"""By data type. What participants agree on about each is in :mod:`synergos.learning.datatypes`, under the same name."""
