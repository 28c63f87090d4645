"""A broker in this process, for tests: what is promised of RabbitMQ holds for it, too."""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from synmanager.broker import HEARTBEAT_SECONDS, Message, Outgoing, QueueStanding
from synmanager.config import TOPOLOGY, Queue
from synmanager.errors import BrokerRefused, BrokerUnavailable, Interrupted, Unroutable


@dataclass(order=True, frozen=True)
class _Stored:
    """A message in its place in its queue."""

    place: int
    body: bytes = field(compare=False)
    headers: Mapping[str, object] = field(compare=False)
    redelivered: bool = field(default=False, compare=False)


@dataclass
class _Consumer:
    queue: str
    on_message: Callable[[Message], None]
    in_hand: int | None = None


class MemoryBroker:
    """Queues in memory; see :class:`synmanager.broker.MessageBroker`. Routing keys are compared whole: no wildcards."""

    user = "anybody"

    def __init__(self) -> None:
        # Guards everything here and in all links, whose threads wait on it for messages; taken again by whoever stops the broker, to close links.
        self._changed = threading.Condition(threading.RLock())
        self._queues: dict[str, list[_Stored]] = {}
        self._exchanges: dict[str, str] = {}
        self._bindings: set[tuple[str, str, str]] = set()
        self._places = count()
        self._links: set[MemoryLink] = set()
        self._is_running = True

    def link(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> MemoryLink:
        """A new link, with the topology declared; nobody misses its signs of life."""
        with self._changed:
            if not self._is_running:
                raise BrokerUnavailable("no connection to the broker: it was stopped")
            link = MemoryLink(self)
            self._links.add(link)
            for queue in TOPOLOGY:
                self._declare(queue)
        return link

    def link_on(self, connection: Any, channel: Any) -> MemoryLink:
        """The link itself, which is all these objects are."""
        assert isinstance(channel, MemoryLink)  # noqa: S101
        return channel

    def check(self) -> None:
        """Nothing can be wrong."""

    def stop(self) -> None:
        """Break all links; the messages stay."""
        with self._changed:
            self._is_running = False
            for link in tuple(self._links):
                link.close()

    def start(self) -> None:
        """Take links again."""
        self._is_running = True

    def _declare(self, queue: Queue) -> None:
        self._queues.setdefault(queue.name, [])
        if queue.exchange is not None:
            self._declare_exchange(queue.exchange, queue.exchange_type)
            self._bindings.add((queue.exchange, queue.routing_key, queue.name))

    def _declare_exchange(self, name: str, exchange_type: str) -> None:
        if self._exchanges.setdefault(name, exchange_type) != exchange_type:
            raise BrokerRefused(f"the broker refused: exchange {name} is of another type")

    def _targets(self, exchange: str, routing_key: str) -> set[str]:
        if not exchange:
            return {routing_key} & self._queues.keys()
        if exchange not in self._exchanges:
            raise BrokerRefused(f"the broker refused: no exchange {exchange}")
        is_fanout = self._exchanges[exchange] == "fanout"
        return {queue for name, key, queue in self._bindings if name == exchange and (is_fanout or key == routing_key)}


class MemoryLink:
    """A connection and a channel in one; see :class:`synmanager.broker.Link`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._changed = broker._changed
        self._tags = count(1)
        self._in_hand: dict[int, tuple[str, _Stored]] = {}
        self._consumers: dict[str, _Consumer] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self.is_open = True

    @property
    def connection(self) -> Any:
        """This."""
        return self

    @property
    def channel(self) -> Any:
        """This."""
        return self

    def declare_exchange(self, name: str, exchange_type: str, durable: bool) -> None:
        """See that an exchange is there."""
        with self._changed:
            self._require_open()
            self._broker._declare_exchange(name, exchange_type)

    def declare(self, queue: Queue) -> bool:
        """See that a queue is there, and bound to what fills it; everybody may."""
        with self._changed:
            self._require_open()
            self._broker._declare(queue)
        return True

    def publish(
        self, exchange: str, routing_key: str, text: str | bytes, headers: Mapping[str, object] | None = None
    ) -> None:
        """Put a message into every queue that is bound."""
        body = text.encode() if isinstance(text, str) else text
        with self._changed:
            self._require_open()
            targets = self._broker._targets(exchange, routing_key)
            if not targets:
                raise Unroutable("no queue is there for the message")
            for queue in targets:
                self._broker._queues[queue].append(_Stored(next(self._broker._places), body, dict(headers or {})))
            self._changed.notify_all()

    def publish_many(self, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> None:
        """Publish one after the other."""
        for done, message in enumerate(messages):
            try:
                self.publish(exchange, routing_key, message.text, message.headers)
            except BrokerUnavailable as error:
                raise Interrupted(str(error), messages[done:]) from error

    def get(self, queue: str) -> Message | None:
        """Take the oldest message of a queue, if there is one."""
        with self._changed:
            messages = self._messages(queue)
            return self._take(queue) if messages else None

    def consume(self, queue: str, on_message: Callable[[Message], None]) -> str:
        """Have messages come during :meth:`wait`; the consumer's name."""
        with self._changed:
            self._messages(queue)
            consumer = f"consumer-{next(self._tags)}"
            self._consumers[consumer] = _Consumer(queue, on_message)
            return consumer

    def cancel(self, consumer: str) -> None:
        """Have no more come."""
        with self._changed:
            self._require_open()
            self._consumers.pop(consumer, None)

    def acknowledge(self, tag: int) -> None:
        """A message is done with."""
        with self._changed:
            self._settled(tag)

    def give_back(self, tag: int) -> None:
        """Put a message back where it was."""
        with self._changed:
            self._return(*self._settled(tag))

    def count(self, queue: str) -> int:
        """How many messages lie in a queue that nobody has in hand."""
        with self._changed:
            return len(self._messages(queue))

    def standing(self, queue: str) -> QueueStanding:
        """How a queue stands."""
        with self._changed:
            consuming = [each for link in self._broker._links for each in link._consumers.values()]
            return QueueStanding(len(self._messages(queue)), sum(each.queue == queue for each in consuming))

    def purge(self, queue: str) -> int:
        """Remove the messages that lie in a queue; how many."""
        with self._changed:
            messages = self._messages(queue)
            removed = len(messages)
            messages.clear()
            return removed

    def wait(self, seconds: float | None = None) -> None:
        """Wait for something to happen, at most so long."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while not (ready := self._ready()):
                left = self._left(deadline)
                if left is not None and left <= 0:
                    return
                self._changed.wait(left)
        # Not under the lock: what is called may take its time.
        for each in ready:
            each()

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have the link's thread call something when it waits."""
        with self._changed:
            self._calls.append(callback)
            self._changed.notify_all()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Have it called after so many seconds, while the link waits."""
        with self._changed:
            self._require_open()
            self._timers.append((time.monotonic() + seconds, callback))

    def close(self) -> None:
        """Give back what is in hand."""
        with self._changed:
            self.is_open = False
            self._broker._links.discard(self)
            for queue, stored in self._in_hand.values():
                self._return(queue, stored)
            self._in_hand.clear()
            self._changed.notify_all()

    def _require_open(self) -> None:
        if not self.is_open:
            raise BrokerUnavailable("the connection to the broker broke")

    def _messages(self, queue: str) -> list[_Stored]:
        self._require_open()
        try:
            return self._broker._queues[queue]
        except KeyError:
            self.close()
            raise BrokerRefused(f"the broker refused: no queue {queue}") from None

    def _take(self, queue: str) -> Message:
        stored = self._broker._queues[queue].pop(0)
        tag = next(self._tags)
        self._in_hand[tag] = (queue, stored)
        return Message(queue, tag, stored.body, stored.redelivered, stored.headers)

    def _settled(self, tag: int) -> tuple[str, _Stored]:
        self._require_open()
        try:
            found = self._in_hand.pop(tag)
        except KeyError:
            self.close()
            raise BrokerRefused(f"the broker refused: unknown delivery tag {tag}") from None
        for consumer in self._consumers.values():
            if consumer.in_hand == tag:
                consumer.in_hand = None
        self._changed.notify_all()
        return found

    def _return(self, queue: str, stored: _Stored) -> None:
        insort(self._broker._queues[queue], replace(stored, redelivered=True))
        self._changed.notify_all()

    def _ready(self) -> list[Callable[[], None]]:
        """What can be called now."""
        self._require_open()
        ready = [*self._calls]
        self._calls.clear()
        now = time.monotonic()
        ready += [callback for due, callback in self._timers if due <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for consumer in self._consumers.values():
            if consumer.in_hand is None and self._broker._queues[consumer.queue]:
                message = self._take(consumer.queue)
                consumer.in_hand = message.tag
                ready.append(lambda consumer=consumer, message=message: consumer.on_message(message))  # type: ignore[misc]
        return ready

    def _left(self, deadline: float | None) -> float | None:
        moments = [due for due, _ in self._timers] + ([] if deadline is None else [deadline])
        return min(moments) - time.monotonic() if moments else None


__all__ = ["MemoryBroker", "MemoryLink"]
