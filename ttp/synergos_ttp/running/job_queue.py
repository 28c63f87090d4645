"""A cluster's queue and its director, as a TTP sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Delivery(Protocol):
    """A message in hand; see :class:`synmanager.stream.Delivery`."""

    @property
    def queue(self) -> str:
        """Where it came from."""

    @property
    def body(self) -> bytes:
        """What it says, as it came."""

    @property
    def headers(self) -> Mapping[str, object]:
        """What came with it."""

    @property
    def redelivered(self) -> bool:
        """Whether somebody had it in hand before."""

    def acknowledge(self) -> None:
        """It is done with."""

    def give_back(self) -> None:
        """Let another have it."""

    def quarantine(self, reason: str) -> None:
        """Quarantine it: it is no job."""

    def forward(self, queue: str) -> None:
        """Move it to another queue."""


class Queue(Protocol):
    """The cluster's queue, as a TTP sees it."""

    def take(self, timeout: float) -> Delivery | None:
        """The next message; None when there is none in time, or the queue was closed."""

    def queue_of(self, name: str, cluster: str) -> str | None:
        """The queue beside ``name`` that the programs of another record store read, which is there then; None where it cannot be.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def complete(self, outcome: Mapping[str, object]) -> None:
        """Send an outcome off; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
            InvalidRequest: it is too large for any director to read.
        """

    def dead_letter(self, message: Mapping[str, object], reason: str) -> None:
        """Dead-letter a job that was given up: publish it to the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def stop(self) -> None:
        """Take no more; whoever waits for a message is answered None. What is in hand can still be settled."""

    def close(self) -> None:
        """Let go of the broker."""


class Signatures(Protocol):
    """Knows the director; see :class:`synergos_ttp.running.signatures.Signatures`."""

    @property
    def own(self) -> str:
        """The fingerprint under which jobs are taken up."""

    def check(self, body: bytes, headers: Mapping[str, object], queue: str) -> str:
        """Make sure that a job is from the director; the message's nonce.

        Raises:
            InvalidRequest: it is not, or was altered.
            ConnectionError: the director is not known yet, or not any more.
        """
