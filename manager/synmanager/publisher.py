"""Publishes for any number of threads, over one connection that is made again when it broke."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from synmanager.broker import Link, MessageBroker, Outgoing, QueueStanding, Sign, unsigned
from synmanager.config import DEAD, Queue
from synmanager.delivery import REASON_HEADER
from synmanager.errors import BrokerUnavailable, Interrupted
from synmanager.message import to_text
from synmanager.reconnecting import with_retries

Result = TypeVar("Result")


class Publisher:
    """A connection on which a message counts as published when the broker has confirmed it.

    Without heartbeats: nobody reads from it between two messages.

    Args:
        patience: seconds to wait for a broker that is away; it is looked for a second time in any case.
        sign: gives each message the headers by which its readers know who has put it in.

    Raises:
        CredentialsNeeded: the broker is on another machine, and there is no user name.
    """

    def __init__(self, broker: MessageBroker, *, patience: float = 0.0, sign: Sign = unsigned) -> None:
        broker.check()
        self._sign = sign
        self._broker = broker
        self._patience = patience
        # Guards the link: one thread at a time publishes, retries included.
        self._lock = threading.Lock()
        self._link: Link | None = None

    def publish(self, queue: Queue, messages: Iterable[Mapping[str, object]]) -> None:
        """Publish messages by the way that leads to a queue; returns when the broker has them all.

        A message may be published twice when the connection breaks at the wrong moment; never not at all.

        Raises:
            BrokerUnavailable: there is no broker; some of the messages may have been published.
            PublishRefused: the broker did not take one.
            MessageTooLarge: nobody would read one; none was published.
        """
        exchange, key = queue.way
        rest = [self._outgoing(queue.name, message) for message in messages]
        self._do(lambda link: publish_rest(link, exchange, key, rest))

    def publish_to(self, queue: str, message: Mapping[str, object]) -> None:
        """Publish a message straight to a queue; see :meth:`publish`.

        Raises:
            Unroutable: there is no such queue.
        """
        self.publish(Queue(queue), [message])

    def dead_letter(self, message: Mapping[str, object], reason: str) -> None:
        """Publish a job that was given up to the dead-letter queue; returns when the broker has it.

        It may be another one than the message in hand is about, which :meth:`synmanager.delivery.Delivery.dead_letter` moves.

        Raises:
            BrokerUnavailable: there is no broker; the message may have been published.
            PublishRefused: the broker did not take it.
        """
        outgoing = self._outgoing(DEAD.name, message)

        def dead_letter(link: Link) -> None:
            # Somebody who has looked at it may have deleted the queue.
            link.declare(DEAD)
            link.publish(*DEAD.way, outgoing.text, {**outgoing.headers, REASON_HEADER: reason})

        self._do(dead_letter)

    def declare(self, queue: Queue) -> bool:
        """See that a queue is there; False for one that is optional and that this user may not declare.

        Raises:
            BrokerUnavailable: there is no broker.
        """
        return self._do(lambda link: link.declare(queue))

    def count(self, queue: Queue | str) -> int:
        """How many messages lie in a queue that nobody has in hand; the queue is there afterwards, or it is done without.

        Raises:
            BrokerUnavailable: there is no broker.
        """
        return self.look(queue).messages

    def look(self, queue: Queue | str) -> QueueStanding:
        """How a queue stands; it is there afterwards, or it is done without.

        Raises:
            BrokerUnavailable: there is no broker.
        """
        asked = Queue(queue) if isinstance(queue, str) else queue

        def look(link: Link) -> QueueStanding:
            return link.standing(asked.name) if link.declare(asked) else QueueStanding(0, 0)

        return self._do(look)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _outgoing(self, queue: str, message: Mapping[str, object]) -> Outgoing:
        text = to_text(message)
        return Outgoing(text, self._sign(queue, text.encode()))

    def _do(self, act: Callable[[Link], Result]) -> Result:
        with self._lock:
            return with_retries(lambda: self._try(act), self._patience)

    def _try(self, act: Callable[[Link], Result]) -> Result:
        if self._link is None:
            self._link = self._broker.link(heartbeat=0)
        try:
            return act(self._link)
        except BrokerUnavailable:
            self._drop()
            raise
        finally:
            # What the broker refuses costs the channel.
            if self._link is not None and not self._link.is_open:
                self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def publish_rest(link: Link, exchange: str, routing_key: str, messages: list[Outgoing]) -> None:
    """Publish messages; those that the broker has are taken from the list, also when it breaks off.

    Raises:
        Interrupted: see :meth:`synmanager.broker.Link.publish_many`.
    """
    try:
        link.publish_many(exchange, routing_key, messages)
    except Interrupted as error:
        messages[:] = error.unconfirmed
        raise
    messages.clear()
