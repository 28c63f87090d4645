"""The end of a queue that takes messages out."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synmanager.base_operator import BaseOperator
from synmanager.broker import DEFAULT_PORT, Link, MessageBroker
from synmanager.config import Queue
from synmanager.delivery import Delivery, opened
from synmanager.errors import BrokerRefused, BrokerUnavailable, Drop, GiveBack, Quarantine
from synmanager.message import Callback, caller_of
from synmanager.stream import JobStream

log = logging.getLogger(__name__)

MAXIMUM_ATTEMPTS = 3
"""How often a message is handed to a callback that fails."""
RETRY_SECONDS = 1.0
"""How long a listener leaves a message alone that failed."""


class ConsumerOperator(BaseOperator):
    """Takes messages out, one at a time, and hands them to a callback.

    A message is acknowledged when the callback has returned. When it raises, the message is tried again a little later,
    ``MAXIMUM_ATTEMPTS`` times in all, and then put into the queue ``dead``. What is no JSON object goes to ``parked``.
    A callback can also say itself what is to become of the message, see :mod:`synmanager.errors`.

    Args:
        queue: name of a queue to take messages from that only :meth:`ProducerOperator.publish_to` fills, in place of
            the usual one; it is declared.

    Attributes:
        queue: the queue's name. When it is set later, the queue is bound to the exchange with ``routing_key``.
        auto_ack: whether messages count as done with when they are delivered.
    """

    def __init__(
        self,
        host: str,
        port: int | str = DEFAULT_PORT,
        *,
        queue: str | None = None,
        username: str | None = None,
        password: str | None = None,
        virtual_host: str = "/",
        tls: ssl.SSLContext | str | Path | None = None,
        broker: MessageBroker | None = None,
    ) -> None:
        super().__init__(
            host,
            port,
            username=username,
            password=password,
            virtual_host=virtual_host,
            tls=tls,
            broker=broker,
        )
        self.queue = queue or self._home.name or None
        self.auto_ack = False
        self._unbound_queue = queue
        self._prepared: Queue | None = None
        self._stream: JobStream | None = None
        self._is_stopped = False

    def listen_message(
        self, process_function: Callback | None = None, *, process_callback: Callback | None = None
    ) -> None:
        """Hand over messages as they come, until :meth:`stop`; comes back by itself when the broker was away.

        The callback runs in this thread; another one keeps the connection alive, however long it takes.

        Args:
            process_function: ``f(**message)`` or ``f(kwargs, host)``.
            process_callback: another name for the same.

        Raises:
            NotConnected: ``connect()`` was never called.
            QueueError: waiting would not help, see :meth:`connect`.
        """
        handle = caller_of(_one_of(process_function, process_callback), self.host)
        self._require_connection()
        stream = JobStream(self._broker, [self._source()], lays_ready=True)
        with self._lock:
            self._stream = stream
            if self._is_stopped:
                stream.stop()
        try:
            while (delivery := stream.take()) is not None:
                self._handle(delivery, handle, RETRY_SECONDS)
        finally:
            with self._lock:
                self._stream = None
                self._is_stopped = False
            stream.close()

    def poll_message(
        self, process_function: Callback | None = None, *, process_callback: Callback | None = None
    ) -> Any:
        """Hand over one message, if there is one; what the callback returned, None when there was none or it failed.

        The connection lies idle while the callback runs: for long jobs, see :meth:`listen_message`.

        Raises:
            NotConnected: ``connect()`` was never called.
            BrokerUnavailable: the broker is away.
        """
        handle = caller_of(_one_of(process_function, process_callback), self.host)

        def take(link: Link) -> Delivery | None:
            self._prepare(link)
            received = link.get(self._source().name)
            if received is None:
                log.debug("queue %s is empty", self.queue)
                return None
            return opened(link, received, lambda act: _if_possible(act, link))

        delivery = self._with_link(take)
        return None if delivery is None else self._handle(delivery, handle, 0.0)

    def check_message_count(self) -> int:
        """How many messages lie in the queue that nobody has in hand.

        Raises:
            NotConnected: ``connect()`` was never called.
            BrokerUnavailable: the broker is away.
        """

        def count(link: Link) -> int:
            self._prepare(link)
            return link.count(self._source().name)

        return self._with_link(count)

    def delete(self) -> int:
        """Remove the messages that lie in the queue; how many.

        Raises:
            NotConnected: ``connect()`` was never called.
            BrokerUnavailable: the broker is away.
        """

        def purge(link: Link) -> int:
            self._prepare(link)
            return link.purge(self._source().name)

        return self._with_link(purge)

    def stop(self) -> None:
        """Have :meth:`listen_message` return when the message in hand is done with; from any thread.

        Before it was called, it has it return at once.
        """
        with self._lock:
            self._is_stopped = True
            if self._stream is not None:
                self._stream.stop()

    def _close(self) -> None:
        super()._close()
        self._prepared = None

    def _prepare(self, link: Link) -> None:
        # The attributes may have been set since the last time.
        if self.queue is None:
            super()._prepare(link)
        elif (source := self._source()) != self._prepared:
            super()._prepare(link)
            link.declare(source)
            self._prepared = source

    def _source(self) -> Queue:
        if self.queue is None:
            raise ValueError("queue: expected a name, not None")
        if self.queue == self._unbound_queue:
            return Queue(self.queue)
        return Queue(self.queue, self.exchange_name, self.exchange_type, self.routing_key)

    def _handle(self, delivery: Delivery, handle: Callable[[dict[str, object]], Any], pause: float) -> Any:
        """Run the callback, and do with the message what comes out of it; what it returned, None when it failed."""
        if self.auto_ack:
            delivery.acknowledge()
        try:
            result = handle(delivery.message)
        except Drop:
            delivery.acknowledge()
        except GiveBack:
            delivery.give_back()
        except Quarantine as reason:
            log.warning("a message of queue %s is no job, and was parked: %s", self.queue, reason)
            delivery.quarantine(str(reason))
        except Exception as error:
            self._retry(delivery, error, pause)
        else:
            delivery.acknowledge()
            return result
        return None

    def _retry(self, delivery: Delivery, error: Exception, pause: float) -> None:
        reason, attempts = type(error).__name__, delivery.attempts + 1
        # Not what the error says: it may quote the message.
        log.debug("the callback failed", exc_info=error)
        if attempts < MAXIMUM_ATTEMPTS:
            log.warning("a message of queue %s failed and is tried again: %s", self.queue, reason)
            delivery.retry(pause)
        else:
            log.error("a message of queue %s was given up after %d attempts: %s", self.queue, attempts, reason)
            delivery.dead_letter(reason)


def _one_of(function: Callback | None, callback: Callback | None) -> Callback:
    chosen = function or callback
    if chosen is None or (function and callback):
        raise TypeError("expected one callback: process_function or process_callback")
    return chosen


def _if_possible(act: Callable[[Link], None], link: Link) -> None:
    try:
        act(link)
    except (BrokerUnavailable, BrokerRefused) as error:
        log.debug("too late for a message: %s", error)
