"""The brokers that what is promised of a queue is asked of: RabbitMQ, and its twin in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from synmanager.broker import MessageBroker
from synmanager.memory import MemoryBroker
from synmanager.stream import Delivery, JobStream

PATIENCE = 180.0
"""Seconds for what another thread or process does: only a mistake takes so long, also on a slow machine."""

Streams = Callable[..., JobStream]


class Running(Protocol):
    """A broker that can be stopped and started again."""

    @property
    def broker(self) -> MessageBroker: ...

    def stop(self) -> Any: ...

    def start(self) -> None: ...


class Twin(MemoryBroker):
    """In this process."""

    @property
    def broker(self) -> MemoryBroker:
        return self


def take(stream: JobStream) -> Delivery:
    """The next message, which is known to come."""
    delivery = stream.take(PATIENCE)
    assert delivery is not None
    return delivery
