"""What the routes are handed; they reach nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synergos.records.store import RecordStore
from synergos.rest.dispatcher import Dispatcher


@dataclass(frozen=True)
class Services:
    """The collaborators of all routes.

    Attributes:
        wake_tuner: has studies looked after at once, when there is something new.
    """

    store: RecordStore
    dispatcher: Dispatcher
    wake_tuner: Callable[[], None] = lambda: None
