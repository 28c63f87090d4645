"""One definition for each shape that crosses an edge: its type, its check and its JSON Schema. See decision 9."""

from __future__ import annotations

from synergos.schema.definition import Definition

__all__ = ["Definition"]
