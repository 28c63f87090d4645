"""An algorithm's own hyperparameters: keys of a run, each with a default and a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from typing import Any

from synergos.learning.run_fields import Check, number


def setting(default: float, check: Check) -> Any:
    """A field of an algorithm that a run may set.

    Args:
        default: what it is for a run that does not say.
    """
    return field(default=default, metadata={"check": check})


def settings_of(algorithm: type) -> Mapping[str, Check]:
    """The checks of an algorithm's settings, by name."""
    return {each.name: each.metadata["check"] for each in fields(algorithm) if each.default is not MISSING}


SERVER_LR = number(above=True)
"""The step of the server; 1 replaces the model by the average."""
SHARE = number(0.0, 1.0, below=True)
"""How much of the past a moving average keeps."""
ADAPTIVITY = number(above=True)
"""What is added to a denominator."""
COEFFICIENT = number()
"""Of a term of the loss."""
