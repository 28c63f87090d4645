"""A message in hand, and what can become of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import cached_property

from synmanager.broker import Link, Message
from synmanager.config import DEAD, PARKED, Queue
from synmanager.errors import PublishRefused
from synmanager.message import check_size, from_text

log = logging.getLogger(__name__)

ATTEMPTS_HEADER = "x-synergos-attempts"
"""How often a message was tried before."""
QUEUE_HEADER = "x-synergos-queue"
"""Where a message that was moved came from."""
REASON_HEADER = "x-synergos-reason"
"""Why it was moved."""

Settle = Callable[[Callable[[Link], None]], None]
"""Has the thread that owns the message's link do something with it; does nothing when that link is gone."""


class Delivery:
    """A message in hand. Its methods may be called from any thread. The first one decides, further ones do nothing;
    none does anything after a loss of the connection, as the broker then gives the message to the next one by itself.

    Attributes:
        queue: the name of the queue it came from.
        body: what it says, as it came.
        headers: what came with it.
        redelivered: whether somebody had it in hand before.
        attempts: how often it was tried and failed, as :meth:`retry` counts.
        is_postponed: whether it is to be tried again later.
        tag: the broker's number for it.
    """

    def __init__(self, message: Message, settle: Settle) -> None:
        self.body = message.body
        self.headers = message.headers
        self.queue = message.queue
        self.redelivered = message.redelivered
        self.attempts = _attempts(message.headers)
        self.is_postponed = False
        self.tag = message.tag
        self._received = message
        self._settle = settle
        # Taken by the one thread that says what becomes of the message.
        self._undecided = threading.Lock()

    @cached_property
    def message(self) -> dict[str, object]:
        """What it says.

        Raises:
            NotAMessage: it is no JSON object.
        """
        return from_text(self.body)

    def acknowledge(self) -> None:
        """It is done with."""
        self._decide(lambda link: link.acknowledge(self.tag))

    def give_back(self) -> None:
        """Let another consumer have it, or this one later."""
        self._decide(lambda link: link.give_back(self.tag))

    def quarantine(self, reason: str) -> None:
        """Quarantine it: move it to the queue ``parked``, for people to look at, because it is no job."""
        self._move(PARKED, {REASON_HEADER: reason})

    def dead_letter(self, reason: str) -> None:
        """Dead-letter it: move it to the queue ``dead``, because its job was given up."""
        self._move(DEAD, {REASON_HEADER: reason})

    def forward(self, queue: str) -> None:
        """Move it to another queue, which must be there."""
        self._move(Queue(queue), {})

    def retry(self, after: float = 0.0) -> None:
        """Put it at its queue's end as its next attempt, in ``after`` seconds; other messages can be taken meanwhile."""
        headers, own = {ATTEMPTS_HEADER: self.attempts + 1}, Queue(self.queue)

        def wait(link: Link) -> None:
            link.call_later(after, lambda: move(link, self._received, own, headers))

        if after > 0:
            self.is_postponed = True
            self._decide(wait)
        else:
            self._move(own, headers)

    def _move(self, queue: Queue, headers: Mapping[str, object]) -> None:
        self._decide(lambda link: move(link, self._received, queue, headers))

    def _decide(self, act: Callable[[Link], None]) -> None:
        # Never released: to settle a message twice would cost the connection.
        if self._undecided.acquire(blocking=False):
            self._settle(act)


def move(link: Link, message: Message, queue: Queue, headers: Mapping[str, object]) -> None:
    """Move a message to another queue: it is in one of the two at any time, for a moment in both."""
    try:
        link.publish(*queue.way, message.body, {**message.headers, QUEUE_HEADER: message.queue, **headers})
    except PublishRefused as error:
        log.warning(
            "a message of queue %s could not be moved to %s and was given back: %s", message.queue, queue.name, error
        )
        link.give_back(message.tag)
    else:
        link.acknowledge(message.tag)


def opened(link: Link, message: Message, settle: Settle, *, reads: bool = True) -> Delivery | None:
    """The message as it is handed over; None when it is no job, and was parked.

    Args:
        reads: whether it is read here; otherwise only its size is looked at.
    """
    delivery = Delivery(message, settle)
    try:
        check_size(message.body)
        if reads:
            _ = delivery.message
    except ValueError as error:
        log.warning("a message of queue %s is no job, and was parked: %s", message.queue, error)
        move(link, message, PARKED, {REASON_HEADER: str(error)})
        return None
    return delivery


def _attempts(headers: Mapping[str, object]) -> int:
    found = headers.get(ATTEMPTS_HEADER, 0)
    return found if isinstance(found, int) else 0
