"""A link to RabbitMQ: pika's blocking connection, and one channel on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synmanager.broker import Message, Outgoing, QueueStanding
from synmanager.config import Queue
from synmanager.errors import BrokerRefused, BrokerUnavailable, Interrupted
from synmanager.rabbitmq.pika_errors import WITHOUT_CONNECTION, close, translated
from synmanager.rabbitmq.pika_messages import message_of, properties_of

if TYPE_CHECKING:
    from synmanager.rabbitmq.broker import Broker

_FEW = 8
"""So many messages are published sooner one by one than over a connection of their own."""
_LOOK_SECONDS = 1.0


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
        self, exchange: str, routing_key: str, text: str | bytes, headers: Mapping[str, object] | None = None
    ) -> None:
        """Publish a persistent message; returns when the broker has it."""
        with translated():
            self.channel.basic_publish(exchange, routing_key, text, properties_of(headers), mandatory=True)

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
        return None if method is None else message_of(queue, method, properties, body)

    def consume(self, queue: str, on_message: Callable[[Message], None]) -> str:
        """Have messages come during :meth:`wait`; the consumer's name."""

        def hand_over(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
            on_message(message_of(queue, method, properties, body))

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
        with contextlib.suppress(*WITHOUT_CONNECTION):
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
