"""What request bodies look like: their types, which are checked, and which the documentation shows."""

from __future__ import annotations

from synergos.bodies.declarations import (
    COLLABORATION,
    EXPERIMENT,
    INVITATION,
    PARTICIPANT,
    PROJECT,
    REGISTRATION,
    RUN,
    TAG,
)
from synergos.bodies.stages import ALIGNMENTS, MODELS, OPTIMIZATIONS, PREDICTIONS, VALIDATIONS

__all__ = [
    "ALIGNMENTS",
    "COLLABORATION",
    "EXPERIMENT",
    "INVITATION",
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
