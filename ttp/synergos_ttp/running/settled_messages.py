"""Messages that are done with, so that one that somebody sends again is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

_MOST = 10_000


class Settled:
    """The nonces of messages that are done with, the last so many; of one thread."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        # In the order in which they came.
        self._nonces: dict[str, None] = {}

    def add(self, nonce: str) -> None:
        """One more; the one from longest ago is forgotten for it."""
        self._nonces[nonce] = None
        if len(self._nonces) > self._most:
            del self._nonces[next(iter(self._nonces))]

    def __contains__(self, nonce: object) -> bool:
        return nonce in self._nonces


class Settling(Protocol):
    """A message in hand; see :class:`synmanager.stream.Delivery`."""

    def acknowledge(self) -> None:
        """It is done with."""

    def give_back(self) -> None:
        """Let another have it."""


@dataclass(frozen=True)
class InHand:
    """A message in hand of which is known who has sent it; it is remembered when it is done with."""

    delivery: Settling
    nonce: str
    settled: Settled

    def acknowledge(self) -> None:
        """It is done with, and comes no more."""
        self.settled.add(self.nonce)
        self.delivery.acknowledge()

    def give_back(self) -> None:
        """Let another have it."""
        self.delivery.give_back()
