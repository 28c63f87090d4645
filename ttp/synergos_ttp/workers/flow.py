"""How a large message or answer passes between this TTP and one participant: how far it is, how quickly, and when it moved last."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from synergos_ttp.events import Event, ParticipantTransferred, ParticipantTransfers

LEAST_RATE = 8 * 2**10
"""Bytes a second below which a transfer puts no deadline off."""
_STEP = 2**15
"""Bytes after which it is looked at."""
_SLOW_SECONDS = 3.0
"""After which a transfer is told of."""
_AGAIN_SECONDS = 10.0
"""After which it is told of again."""


class Direction(StrEnum):
    """Whose bytes pass."""

    SENDING = "sending"
    RECEIVING = "receiving"


class Flow(Protocol):
    """Is told of what passes; used by the participant's thread."""

    def begin(self, direction: Direction, done: int, of: int) -> None:
        """So many bytes are to pass, of which some have already."""

    def passed(self, count: int, /) -> None:
        """So many more have."""

    def end(self) -> None:
        """All have, and the other way too."""


class _Unwatched:
    def begin(self, direction: Direction, done: int, of: int) -> None:
        pass

    def passed(self, count: int, /) -> None:
        pass

    def end(self) -> None:
        pass


UNWATCHED: Flow = _Unwatched()


class ParticipantFlow:
    """What passes between this TTP and one participant. One thread tells it; others may ask when something moved last.

    Args:
        publish: told of a transfer that takes long, now and then, and when it is over; in the thread in which it passes.
    """

    def __init__(
        self, participant: str, publish: Callable[[Event], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._participant = participant
        self._publish = publish
        self._clock = clock
        self._direction = Direction.SENDING
        self._done = self._of = self._before = 0
        self._begun = self._told = self._looked = 0.0
        self._looked_at = 0
        self._is_told = False
        self._excused_until = 0.0

    @property
    def excused_until(self) -> float:
        """Until when, by the monotonic clock, nobody is to say that this participant takes too long; a deadline counts from then."""
        return self._excused_until

    def begin(self, direction: Direction, done: int, of: int) -> None:
        """See :class:`Flow`."""
        now = self._clock()
        self._direction, self._before, self._done, self._of = direction, done, done, of
        self._begun = self._told = self._looked = now
        self._looked_at = done

    def passed(self, count: int, /) -> None:
        """See :class:`Flow`."""
        self._done = min(self._done + count, self._of)
        if self._done - self._looked_at < _STEP:
            return
        now = self._clock()
        if self._done - self._looked_at >= LEAST_RATE * (now - self._looked):
            self._excused_until = max(self._excused_until, now)
        self._looked, self._looked_at = now, self._done
        if now - self._told >= (_AGAIN_SECONDS if self._is_told else _SLOW_SECONDS):
            self._told, self._is_told = now, True
            rate = (self._done - self._before) / (now - self._begun)
            self._publish(ParticipantTransfers(self._participant, self._direction.value, self._done, self._of, rate))

    def excuse(self, seconds: float) -> None:
        """For so long it is waited for, as its line was cut."""
        self._excused_until = max(self._excused_until, self._clock() + seconds)

    def end(self) -> None:
        """See :class:`Flow`."""
        if self._is_told:
            self._is_told = False
            self._publish(ParticipantTransferred(self._participant))
