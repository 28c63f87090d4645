"""The two ends of a queue: a producer puts messages in, a consumer takes them out."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from synmanager.abstract import AbstractOperator
from synmanager.broker import DEFAULT_PORT, Link, MessageBroker
from synmanager.config import TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, Queue
from synmanager.delivery import Delivery, opened
from synmanager.errors import BrokerRefused, BrokerUnavailable, Drop, GiveBack, NotConnected, Park
from synmanager.message import Callback, caller_of, from_text, to_text
from synmanager.publisher import publish_rest
from synmanager.rabbitmq import Broker, close
from synmanager.reconnecting import patiently
from synmanager.stream import JobStream

log = logging.getLogger(__name__)

MAXIMUM_ATTEMPTS = 3
"""How often a message is handed to a callback that fails."""
RETRY_SECONDS = 1.0
"""How long a listener leaves a message alone that failed."""

Result = TypeVar("Result")


class BaseOperator(AbstractOperator):
    """What producers and consumers have in common.

    Args:
        host: name or address of the broker.
        port: its port; a text is fine.
        username: None for the broker's default user, which it takes from its own machine only.
        password: that user's.
        virtual_host: which of the broker's separate worlds.
        tls: None for no TLS; a file of the certificate authority that signed the broker's, or a context.
        broker: in place of all these; a twin of a broker in tests.

    Attributes:
        exchange_name: the exchange that messages go to.
        exchange_type: ``topic`` or ``fanout``.
        routing_key: says which queue a message is for.
        durability: whether the exchange outlives the broker's restart.
        connection: pika's connection, None while there is none.
        channel: pika's channel on it.
    """

    _home: ClassVar[Queue] = Queue("", TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, "default")

    def __init__(
        self,
        host: str,
        port: int | str = DEFAULT_PORT,
        *,
        username: str | None = None,
        password: str | None = None,
        virtual_host: str = "/",
        tls: ssl.SSLContext | str | Path | None = None,
        broker: MessageBroker | None = None,
    ) -> None:
        self.host = host
        self.port = _port(port)
        self.channel: Any = None
        self.connection: Any = None
        self.exchange_name = self._home.exchange or ""
        self.exchange_type = self._home.exchange_type
        self.routing_key = self._home.routing_key
        self.durability = True
        self._lock = threading.Lock()
        # Between connect() and disconnect(), also while the broker is away.
        self._is_wanted = False
        self._settings: tuple[int, float] = (0, 300)
        self._broker = broker or Broker(host, self.port, username, password, virtual_host, tls)

    def is_connected(self) -> bool:
        """Whether connection and channel are open, as far as is known without asking the broker."""
        if self.connection is None or self.channel is None:
            return False
        return bool(self.connection.is_open and self.channel.is_open)

    def create_message(self, run_kwarg: Mapping[str, Any]) -> str:
        """The message that says ``run_kwarg``: JSON, its keys sorted; what JSON has no word for becomes a string."""
        return to_text(run_kwarg)

    def parse_message(self, message: str | bytes) -> dict[str, Any]:
        """What a message says.

        Raises:
            NotAMessage: it is no JSON object.
        """
        return from_text(message)

    def connect(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> None:
        """Open connection and channel, and declare the exchanges and queues; nothing happens when they are open.

        Args:
            heartbeat: seconds between two signs of life; 0 for none, as nobody sends them between two calls.
            blocked_connection_timeout: seconds a broker that is short of memory may keep us waiting.

        Raises:
            BrokerUnavailable: nobody answers.
            CredentialsNeeded: the broker is on another machine, and there is no user name.
            AccessRefused: it does not let us in.
            BrokerRefused: an exchange or a queue was declared differently by somebody else.
        """
        self._broker.check()
        self._settings = (heartbeat, blocked_connection_timeout)
        self._open()
        self._is_wanted = True

    def process(self, **kwargs: Any) -> Any:
        """Do what this end is for.

        Raises:
            NotImplementedError: always, here; producers can.
        """
        raise NotImplementedError

    def delete(self) -> int:
        """Remove what lies in the queue.

        Raises:
            NotImplementedError: always, here; consumers can.
        """
        raise NotImplementedError

    def disconnect(self) -> None:
        """Close channel and connection, were they broken."""
        self._is_wanted = False
        self._close()

    def _open(self) -> None:
        if not self.is_connected():
            self._close()
            link = self._broker.link(*self._settings)
            self.connection, self.channel = link.connection, link.channel
            self._prepare(link)

    def _close(self) -> None:
        for closable in (self.channel, self.connection):
            if closable is not None:
                close(closable)
        self.channel = self.connection = None

    def _prepare(self, link: Link) -> None:
        """Declare what this operator needs besides the topology."""
        link.declare_exchange(self.exchange_name, self.exchange_type, self.durability)

    def _with_link(self, act: Callable[[Link], Result], patience: float = 0.0) -> Result:
        """Do something with the broker; a connection that broke since the last time is made anew."""
        self._require_connection()

        def attempt() -> Result:
            self._open()
            try:
                return act(self._broker.link_on(self.connection, self.channel))
            except (BrokerUnavailable, BrokerRefused):
                close(self.connection)
                raise

        return patiently(attempt, patience)

    def _require_connection(self) -> None:
        if not (self._is_wanted or self.is_connected()):
            raise NotConnected("there is no connection to the broker; call .connect() first")


class ProducerOperator(BaseOperator):
    """Puts messages in. May be shared by threads.

    Attributes:
        patience: seconds to wait for a broker that went away; it is looked for a second time in any case.
    """

    patience: float = 10.0

    def publish_message(self, message: str) -> None:
        """Publish a text as it is; returns when the broker has written it down.

        A message may be published twice when the connection breaks at the wrong moment; never not at all.

        Raises:
            NotConnected: ``connect()`` was never called.
            BrokerUnavailable: the broker stayed away for ``patience`` seconds.
            Unroutable: no queue is there for it.
            PublishRefused: the broker did not take it.
        """
        with self._lock:
            self._with_link(lambda link: link.publish(self.exchange_name, self.routing_key, message), self.patience)

    def process(self, **kwargs: Any) -> str:
        """Publish one message with these fields; the text that was published.

        Raises:
            QueueError: see :meth:`publish_message`.
        """
        message = self.create_message(kwargs)
        self.publish_message(message)
        return message

    def process_many(self, messages: Iterable[Mapping[str, Any]]) -> list[str]:
        """Publish many messages, and wait for the broker once rather than after each; the texts that were published.

        Raises:
            QueueError: see :meth:`publish_message`; some of the messages may have been published.
        """
        texts = [self.create_message(message) for message in messages]
        rest = list(texts)
        with self._lock:
            self._with_link(lambda link: publish_rest(link, self.exchange_name, self.routing_key, rest), self.patience)
        return texts

    def publish_to(self, queue: str, message: Mapping[str, Any]) -> str:
        """Publish a message straight to a queue of this name; the text that was published.

        Raises:
            Unroutable: there is no such queue.
            QueueError: see :meth:`publish_message`.
        """
        text = self.create_message(message)
        with self._lock:
            self._with_link(lambda link: link.publish("", queue, text), self.patience)
        return text


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

    def _handle(self, delivery: Delivery, handle: Callable[[dict[str, Any]], Any], pause: float) -> Any:
        """Run the callback, and do with the message what comes out of it; what it returned, None when it failed."""
        if self.auto_ack:
            delivery.acknowledge()
        try:
            result = handle(delivery.message)
        except Drop:
            delivery.acknowledge()
        except GiveBack:
            delivery.give_back()
        except Park as reason:
            log.warning("a message of queue %s is no job, and was parked: %s", self.queue, reason)
            delivery.park(str(reason))
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
            delivery.bury(reason)


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


def _port(port: int | str) -> int:
    try:
        return int(port)
    except ValueError:
        raise ValueError(f"port: expected a number, not {port!r}") from None
