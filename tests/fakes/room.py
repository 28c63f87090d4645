"""The participants' sessions of a run, without a network in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from support.decoding import decode
from synergos.errors import SynergosError
from synergos.wire import Encoded, Layout, Parcel, parcel_of
from synergos_ttp.workers.session_group import Sessions


@dataclass
class Room:
    """Asks one participant after the other; each has an ``id``, and what its session has."""

    open: Sequence[Any]
    needed: int = 1

    @property
    def all(self) -> Sequence[Any]:
        return self.open

    def deadline(self, longest: float | None) -> None:
        return None

    def attempt(
        self,
        work: Callable[[Any], Any],
        *,
        purpose: str = "",
        seconds: float | None = None,
        needed: int | None = None,
        among: Collection[str] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        prompt: object = None,
    ) -> dict[str, Any]:
        meanwhile()

        def outcome(participant: Any) -> Any:
            try:
                return work(participant)
            except SynergosError as error:
                return error

        asked = [participant for participant in self.open if among is None or participant.id in among]
        return {participant.id: outcome(participant) for participant in asked}

    def refuse_too_few(self, outcomes: Mapping[str, Any], needed: int | None = None) -> None:
        Sessions.refuse_too_few(cast(Sessions, self), outcomes, needed)


def received(message: Encoded, layout: Layout) -> Parcel:
    """A message as whoever it is for gets it."""
    pieces = message.chunks()
    waiting = bytearray()

    def take(size: int) -> bytes:
        while len(waiting) < size and (piece := next(pieces, b"")):
            waiting.extend(piece)
        taken = bytes(waiting[:size])
        del waiting[:size]
        return taken

    return parcel_of(*decode(take, message.length, layout, bytearray()))
