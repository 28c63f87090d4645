"""The losses of a training as its files have them, and each round's by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synergos.foreign_json import mapping, number

GLOBAL_HISTORY = "global_loss_history.json"
LOCAL_HISTORY = "local_loss_history_"
"""Before a participant's id and ``.json``."""
GLOBAL_SERIES = ("train", "evaluate")


@dataclass(frozen=True)
class Loss:
    """The loss of one round.

    Attributes:
        origin: ``ttp`` for the global model, or a participant's id.
        series: ``train`` or ``evaluate`` of the global model, ``local`` of a participant's own training.
        round: counted from 0.
        loss: mean over rows of the criterion; None where it was not finite.
    """

    origin: str
    series: str
    round: int
    loss: float | None


def global_losses(content: Mapping[str, object]) -> Iterator[Loss]:
    """What the file :data:`GLOBAL_HISTORY` holds."""
    for series in GLOBAL_SERIES:
        yield from _losses("ttp", series, mapping(content.get(series)))


def local_losses(participant: str, content: Mapping[str, object]) -> Iterator[Loss]:
    """What the file ``local_loss_history_<participant>.json`` holds."""
    yield from _losses(participant, "local", content)


def _losses(origin: str, series: str, losses: Mapping[str, object]) -> Iterator[Loss]:
    for each, loss in sorted(losses.items(), key=lambda known: int(known[0])):
        yield Loss(origin, series, int(each), number(loss))
