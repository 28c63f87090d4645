"""RabbitMQ, by pika; the one module that knows it."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pika
import pika.exceptions

from synmanager.broker import DEFAULT_PORT, HEARTBEAT_SECONDS, Message, Outgoing, QueueStanding
from synmanager.config import TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, TOPOLOGY, Queue
from synmanager.errors import (
    AccessRefused,
    BrokerRefused,
    BrokerUnavailable,
    CredentialsNeeded,
    Interrupted,
    PublishRefused,
    QueueError,
    Unroutable,
)

DEFAULT_USER = "guest"
_FEW = 8
"""So many messages are published sooner one by one than over a connection of their own."""
_UNCONFIRMED = 4096
"""How many messages may be on their way at once."""
_LOOK_SECONDS = 1.0
_ACCESS_REFUSED = 403
"""AMQP's code."""
_WITHOUT_CONNECTION = (pika.exceptions.AMQPError, OSError)


@dataclass
class Rights:
    """What a user was found to have.

    Attributes:
        may_declare: None until it was tried. Several threads may find it out; they find the same.
    """

    may_declare: bool | None = None


@dataclass(frozen=True)
class Broker:
    """Where a broker is and how to get in; see :class:`synmanager.broker.MessageBroker`.

    Attributes:
        username: None for the broker's default user, whose password everybody knows: on its own machine only.
        tls: None for no TLS; a file of the certificate authority that signed the broker's, a context, or what makes one for each
            connection.
        rights: what the user may do there, as far as it was found out.
    """

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    virtual_host: str = "/"
    tls: ssl.SSLContext | str | Path | Callable[[], ssl.SSLContext] | None = None
    rights: Rights = field(default_factory=Rights, init=False, repr=False, compare=False)

    @property
    def user(self) -> str:
        """As whom it lets us in."""
        return self.username or DEFAULT_USER

    def link(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Link:
        """A new link, with the topology declared; see :meth:`synmanager.broker.MessageBroker.link`."""
        connection = self.connect(heartbeat, blocked_connection_timeout)
        try:
            with translated():
                self._find_rights(connection)
                link = Link(self, connection, connection.channel())
                link.channel.basic_qos(prefetch_count=1)
                link.channel.confirm_delivery()
            for queue in TOPOLOGY:
                link.declare(queue)
        except Exception:
            close(connection)
            raise
        return link

    def _find_rights(self, connection: Any) -> None:
        if self.rights.may_declare is not None:
            return
        channel = connection.channel()
        try:
            channel.exchange_declare(TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, durable=True)
        except pika.exceptions.ChannelClosedByBroker as error:
            if error.reply_code != _ACCESS_REFUSED:
                raise
            # A broker whose users have roles, who find there what they need.
            self.rights.may_declare = False
        else:
            self.rights.may_declare = True
            channel.close()

    def link_on(self, connection: Any, channel: Any) -> Link:
        """The link that pika's objects make."""
        return Link(self, connection, channel)

    def connect(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Any:
        """Pika's connection; see :meth:`link`."""
        parameters = self._parameters_now(heartbeat, blocked_connection_timeout)
        try:
            return pika.BlockingConnection(parameters)
        # The last one is what pika says of a connection that a dying broker resets in the moment it is made.
        except (*_WITHOUT_CONNECTION, ValueError) as error:
            raise _no_connection(error) from error

    def pipeline(self, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> _Pipeline:
        """What publishes many messages, over a connection of its own.

        Raises:
            Interrupted: none can be made now.
        """
        try:
            return _Pipeline(self._parameters_now(), exchange, routing_key, messages)
        except BrokerUnavailable as error:
            raise Interrupted(str(error), messages) from error

    def check(self) -> None:
        """Find out what is wrong without asking the broker.

        Raises:
            CredentialsNeeded: it is on another machine and there is no user name, or the default user's; or there is no
                password for it.
        """
        self._credentials()

    def parameters(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> Any:
        """The same in pika's words; see :meth:`link`."""
        return pika.ConnectionParameters(
            host=self.host,
            port=self.port,
            virtual_host=self.virtual_host,
            credentials=self._credentials(),
            heartbeat=heartbeat,
            blocked_connection_timeout=blocked_connection_timeout,
            socket_timeout=5.0,
            stack_timeout=10.0,
            ssl_options=self._ssl(),
        )

    def _parameters_now(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> Any:
        """The same for a connection that is made now, while the files of its TLS may just be replaced.

        Raises:
            BrokerUnavailable: they cannot be used, yet.
        """
        try:
            return self.parameters(heartbeat, blocked_connection_timeout)
        except QueueError:
            raise
        except Exception as error:
            raise BrokerUnavailable(f"no connection to the broker: its TLS files cannot be used: {error}") from error

    def _credentials(self) -> Any:
        if self.username in {None, DEFAULT_USER} and not _is_loopback(self.host):
            raise CredentialsNeeded(
                f"the broker on {self.host} is another machine's: expected username and password, as its default user, "
                f"{DEFAULT_USER}, may be used from its own machine only"
            )
        if self.username is None:
            return pika.PlainCredentials(DEFAULT_USER, DEFAULT_USER)
        if self.password is None:
            raise CredentialsNeeded(f"expected a password for {self.username}, the broker's user")
        return pika.PlainCredentials(self.username, self.password)

    def _ssl(self) -> Any:
        if self.tls is None:
            return None
        match self.tls:
            case ssl.SSLContext():
                context = self.tls
            case str() | Path():
                context = ssl.create_default_context(cafile=self.tls)
            case _:
                context = self.tls()
        return pika.SSLOptions(context, self.host)


class Link:
    """Pika's blocking connection and channel; see :class:`synmanager.broker.Link`."""

    def __init__(self, broker: Broker, connection: Any, channel: Any) -> None:
        self.connection = connection
        self.channel = channel
        self._broker = broker
        self._watches_consumers = False

    @property
    def is_open(self) -> bool:
        """Whether both are, as far as is known without asking the broker."""
        return bool(self.connection.is_open and self.channel.is_open)

    def declare_exchange(self, name: str, exchange_type: str, durable: bool) -> None:
        """See that an exchange is there."""
        with translated():
            self.channel.exchange_declare(
                name, exchange_type, passive=self._broker.rights.may_declare is False, durable=durable
            )

    def declare(self, queue: Queue) -> bool:
        """See that a queue is there, and bound to what fills it; see :meth:`synmanager.broker.Link.declare`."""
        if self._broker.rights.may_declare is False:
            return self._is_there(queue)
        with translated():
            self.channel.queue_declare(queue.name, durable=True)
            if queue.exchange is not None:
                self.channel.exchange_declare(queue.exchange, queue.exchange_type, durable=True)
                self.channel.queue_bind(queue.name, queue.exchange, queue.routing_key)
        return True

    def _is_there(self, queue: Queue) -> bool:
        if queue.is_optional:
            return False
        try:
            with translated():
                self.channel.queue_declare(queue.name, passive=True)
        except BrokerRefused as error:
            raise BrokerRefused(
                f"{error}; {self._broker.username} may not declare it: import the definitions of roles again"
            ) from error
        return True

    def publish(
        self, exchange: str, routing_key: str, text: str | bytes, headers: Mapping[str, Any] | None = None
    ) -> None:
        """Publish a persistent message; returns when the broker has it."""
        with translated():
            self.channel.basic_publish(exchange, routing_key, text, _properties(headers), mandatory=True)

    def publish_many(self, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> None:
        """Publish many, and wait once: over a connection of their own, as the blocking one waits after each."""
        if len(messages) > _FEW:
            self._broker.pipeline(exchange, routing_key, messages).run()
            return
        for done, message in enumerate(messages):
            try:
                self.publish(exchange, routing_key, message.text, message.headers)
            except BrokerUnavailable as error:
                raise Interrupted(str(error), messages[done:]) from error

    def get(self, queue: str) -> Message | None:
        """Take the oldest message of a queue, if there is one."""
        with translated():
            method, properties, body = self.channel.basic_get(queue)
        return None if method is None else _message(queue, method, properties, body)

    def consume(self, queue: str, on_message: Callable[[Message], None]) -> str:
        """Have messages come during :meth:`wait`; the consumer's name."""

        def hand_over(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
            on_message(_message(queue, method, properties, body))

        with translated():
            if not self._watches_consumers:
                self.channel.add_on_cancel_callback(self._consumer_ended)
                self._watches_consumers = True
            consumer: str = self.channel.basic_consume(queue, hand_over)
        return consumer

    def cancel(self, consumer: str) -> None:
        """Have no more come; pika gives back what came and was not handed over."""
        with translated():
            self.channel.basic_cancel(consumer)

    def acknowledge(self, tag: int) -> None:
        """A message is done with."""
        with translated():
            self.channel.basic_ack(tag)

    def give_back(self, tag: int) -> None:
        """Put a message back where it was."""
        with translated():
            self.channel.basic_nack(tag, requeue=True)

    def count(self, queue: str) -> int:
        """How many messages lie in a queue that nobody has in hand."""
        with translated():
            return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def standing(self, queue: str) -> QueueStanding:
        """How a queue stands."""
        with translated():
            found = self.channel.queue_declare(queue, passive=True).method
        return QueueStanding(int(found.message_count), int(found.consumer_count))

    def purge(self, queue: str) -> int:
        """Remove the messages that lie in a queue; how many."""
        with translated():
            return int(self.channel.queue_purge(queue).method.message_count)

    def wait(self, seconds: float | None = None) -> None:
        """Wait for something to happen, at most so long, and no longer than it may take to notice a closed channel."""
        with translated():
            self.connection.process_data_events(_LOOK_SECONDS if seconds is None else min(seconds, _LOOK_SECONDS))
        # Pika says so only of connections.
        if not self.channel.is_open:
            raise BrokerRefused("the broker closed the channel; its log says why")

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have the link's thread call something when it waits; nothing happens when the link is gone."""
        with contextlib.suppress(*_WITHOUT_CONNECTION):
            self.connection.add_callback_threadsafe(callback)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Have it called after so many seconds, while the link waits."""
        with translated():
            self.connection.call_later(seconds, callback)

    def close(self) -> None:
        """Close it, were it broken."""
        close(self.channel)
        close(self.connection)

    @staticmethod
    def _consumer_ended(_frame: Any) -> None:
        raise BrokerRefused("the broker has no more messages for a consumer: its queue was deleted")


class _Pipeline:
    """Many messages on an asynchronous connection; :meth:`run` is its whole life."""

    def __init__(self, parameters: Any, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> None:
        self._target = (exchange, routing_key)
        self._messages = iter(messages)
        self._total = len(messages)
        # By the numbers the broker confirms, ascending.
        self._unconfirmed: dict[int, Outgoing] = {}
        self._sent = 0
        self._error: Exception | None = None
        self._channel: Any = None
        self._connection: Any = pika.SelectConnection(
            parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._opened),
            on_open_error_callback=lambda _connection, error: self._fail(_no_connection(error)),
            on_close_callback=lambda _connection, reason: self._fail(_broken(reason)),
        )

    def run(self) -> None:
        """Publish them all.

        Raises:
            Interrupted: the connection could not be made, or broke.
            Unroutable: no queue is there for them.
            PublishRefused: the broker did not take one of them.
        """
        try:
            with translated():
                self._connection.ioloop.start()
        except BrokerUnavailable as error:
            self._error = self._error or error
        finally:
            self._connection.ioloop.close()
        if isinstance(self._error, BrokerUnavailable):
            raise Interrupted(str(self._error), [*self._unconfirmed.values(), *self._messages]) from self._error
        if self._error is not None:
            raise self._error

    def _opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_return_callback(lambda *_returned: self._note(Unroutable(_UNROUTABLE)))
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(self._answered, callback=lambda _frame: self._fill())

    def _fill(self) -> None:
        while len(self._unconfirmed) < _UNCONFIRMED and (message := next(self._messages, None)) is not None:
            self._sent += 1
            self._unconfirmed[self._sent] = message
            self._channel.basic_publish(
                *self._target, message.text, _properties(message.headers or None), mandatory=True
            )

    def _answered(self, frame: Any) -> None:
        answer = frame.method
        if answer.NAME != "Basic.Ack":
            self._note(PublishRefused(_REFUSED))
        # One answer may be for all messages up to its number.
        for number in self._upto(answer.delivery_tag) if answer.multiple else [answer.delivery_tag]:
            self._unconfirmed.pop(number, None)
        self._fill()
        if not self._unconfirmed:
            self._end()

    def _upto(self, number: int) -> list[int]:
        found = []
        for each in self._unconfirmed:
            if each > number:
                break
            found.append(each)
        return found

    def _channel_closed(self, _channel: Any, reason: Any) -> None:
        if self._unconfirmed:
            self._note(_broken(reason))
        self._end()

    def _note(self, error: Exception) -> None:
        self._error = self._error or error

    def _fail(self, error: Exception) -> None:
        if self._unconfirmed or self._sent < self._total:
            self._note(error)
        self._connection.ioloop.stop()

    def _end(self) -> None:
        if self._connection.is_open:
            self._connection.close()


_UNROUTABLE = "no queue is there for the message"
_REFUSED = "the broker did not take the message"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Pika's errors as ours."""
    try:
        yield
    except QueueError:
        raise
    except pika.exceptions.UnroutableError as error:
        raise Unroutable(_UNROUTABLE) from error
    except pika.exceptions.NackError as error:
        raise PublishRefused(_REFUSED) from error
    except _WITHOUT_CONNECTION as error:
        raise _broken(error) from error


def close(closable: Any) -> None:
    """Close a connection or a channel that may be closed, or broken, already."""
    with contextlib.suppress(*_WITHOUT_CONNECTION):
        if closable.is_open:
            closable.close()


def _message(queue: str, method: Any, properties: Any, body: bytes) -> Message:
    return Message(queue, method.delivery_tag, body, method.redelivered, properties.headers or {})


def _properties(headers: Mapping[str, Any] | None = None) -> Any:
    return pika.BasicProperties(
        delivery_mode=pika.DeliveryMode.Persistent.value,
        content_type="application/json",
        content_encoding="utf-8",
        # For whoever looks at messages on the broker's pages.
        timestamp=int(time.time()),
        headers=headers,
    )


def _no_connection(error: BaseException) -> BrokerUnavailable | AccessRefused:
    # Pika guesses from the moment at which a connection ends; only a broker that says why is one that refused us.
    guessed = pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError
    if isinstance(error, guessed) and "ConnectionClosedByBroker" in str(error):
        return AccessRefused("the broker refused access: check username, password and virtual host")
    return BrokerUnavailable(f"no connection to the broker: {_reason(error)}")


def _broken(error: BaseException) -> BrokerUnavailable | BrokerRefused:
    if isinstance(error, pika.exceptions.ChannelClosedByBroker):
        return BrokerRefused(f"the broker refused: {error.reply_text}")
    return BrokerUnavailable(f"the connection to the broker broke: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """The innermost reason pika gives; some of its errors have no text of their own."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__


def _is_loopback(host: str) -> bool:
    if host in {"localhost", "ip6-localhost"}:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # "Any address" as a destination is this machine, too.
    return address.is_loopback or address.is_unspecified


__all__ = ["DEFAULT_PORT", "Broker", "Link", "close", "translated"]
