"""What the routes are handed; they reach nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synergos.records.store import RecordStore
from synergos.rest.dispatcher import Dispatcher

CheckLayers = Callable[[object, str], object]
"""Raises InvalidRequest for a list of layers nobody can build; its second argument is the field's name."""
CheckRun = Callable[[Mapping[str, Any]], object]
"""Raises InvalidRequest for hyperparameters nobody can train with."""


@dataclass(frozen=True)
class Services:
    """The collaborators of all routes.

    Attributes:
        wake_tuner: has studies looked after at once, when there is something new.
    """

    store: RecordStore
    dispatcher: Dispatcher
    check_layers: CheckLayers
    check_run: CheckRun
    wake_tuner: Callable[[], None] = lambda: None
