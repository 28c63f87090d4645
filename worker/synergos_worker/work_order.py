"""What a session can be asked for, and which of it comes before what."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import Any

from synergos.errors import Conflict, WireFormatError
from synergos.learning.algorithms import Step
from synergos_worker.work import Work


class WorkKind(StrEnum):
    """What a session can be asked for."""

    ROUND = "round"
    EVALUATION = "evaluation"
    MODEL = "model"
    PREDICTION = "prediction"


def refuse_older(kind: WorkKind, number: Hashable, newest: Work) -> None:
    """Refuse work that comes before the newest of its kind.

    Raises:
        Conflict: it does.
    """
    asked, known = _as_step(number), _as_step(newest.key)
    if asked is not None and known is not None and asked < known:
        raise Conflict(f"{kind} {number} is older than the newest, which is {newest.key}")


def refuse_misdirected(metadata: Mapping[str, Any], address: Hashable) -> None:
    """Refuse a message that says it is for another round or exchange than its address.

    Raises:
        WireFormatError: it does.
    """
    step = _as_step(address)
    if step is None:
        return
    said = (metadata.get("round", step.round), metadata.get("exchange", step.exchange))
    if said != (step.round, step.exchange):
        raise WireFormatError(f"the message is for round {Step(*said)}, its address says {step}")


def _as_step(key: Hashable) -> Step | None:
    if isinstance(key, Step):
        return key
    return Step(key) if isinstance(key, int) else None
