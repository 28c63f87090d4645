"""Reconnecting with exponential back-off and jitter, when links break."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from synmanager.broker import Link, MessageBroker
from synmanager.config import Queue
from synmanager.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

Result = TypeVar("Result")


def pauses() -> Iterator[float]:
    """The back-off in seconds, with jitter: 0.2, 0.4, … 5, each shortened by up to half at random."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


def with_retries(act: Callable[[], Result], patience: float, sleep: Callable[[float], None] = time.sleep) -> Result:
    """Retry what needs the broker, with back-off, while it is away: at least twice, and until ``patience`` seconds have passed.

    Args:
        sleep: how to pass the time between two attempts.

    Raises:
        BrokerUnavailable: it stayed away.
    """
    deadline = time.monotonic() + patience
    try:
        return act()
    except BrokerUnavailable:
        # A connection that broke while nobody looked is no reason to wait.
        pass
    for pause in pauses():
        try:
            return act()
        except BrokerUnavailable:
            if time.monotonic() + pause > deadline:
                raise
            sleep(pause)
    raise AssertionError("pauses never end")


class Reconnecting:
    """Connects as often as it takes, and says once that the broker is away and once that it is back.

    Args:
        who: what it is that connects, for the log.
        stopped: set when nobody needs a link any more.
    """

    def __init__(self, broker: MessageBroker, who: str, stopped: threading.Event) -> None:
        self._broker = broker
        self._who = who
        self._stopped = stopped
        self._is_away = False
        self._pauses = pauses()

    def connect(self, queues: tuple[Queue, ...]) -> tuple[Link, tuple[Queue, ...]] | None:
        """A link, and those of the queues that are there by it; None when it was stopped first.

        Raises:
            QueueError: waiting would not help.
        """
        while not self._stopped.is_set():
            try:
                link = self._broker.link()
                try:
                    there = tuple(queue for queue in queues if link.declare(queue))
                except Exception:
                    link.close()
                    raise
            except BrokerUnavailable as error:
                self.lost(error)
            else:
                if self._is_away:
                    log.info("%s: the broker is back", self._who)
                self._is_away = False
                return link, there
        return None

    def lost(self, error: Exception) -> None:
        """Take note that there is no link, and back off."""
        if not self._is_away:
            log.warning("%s: %s; trying again until it is back", self._who, error)
            self._pauses = pauses()
        self._is_away = True
        self._stopped.wait(next(self._pauses))
