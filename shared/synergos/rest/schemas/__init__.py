"""What request bodies look like, as JSON Schemas: what is checked is what the documentation shows."""

from __future__ import annotations

from synergos.rest.schemas.declarations import (
    COLLABORATION,
    EXPERIMENT,
    PARTICIPANT,
    PROJECT,
    REGISTRATION,
    RUN,
    TAG,
)
from synergos.rest.schemas.stages import ALIGNMENTS, MODELS, OPTIMIZATIONS, PREDICTIONS, VALIDATIONS

__all__ = [
    "ALIGNMENTS",
    "COLLABORATION",
    "EXPERIMENT",
    "MODELS",
    "OPTIMIZATIONS",
    "PARTICIPANT",
    "PREDICTIONS",
    "PROJECT",
    "REGISTRATION",
    "RUN",
    "TAG",
    "VALIDATIONS",
]
