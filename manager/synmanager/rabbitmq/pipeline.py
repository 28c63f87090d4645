"""Many messages at once, over a connection of their own: the blocking one waits after each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pika

from synmanager.broker import Outgoing
from synmanager.errors import BrokerUnavailable, Interrupted, PublishRefused, Unroutable
from synmanager.rabbitmq.pika_errors import REFUSED, UNROUTABLE, broken, no_connection, translated
from synmanager.rabbitmq.pika_messages import properties_of

_UNCONFIRMED = 4096
"""How many messages may be on their way at once."""


class Pipeline:
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
            on_open_error_callback=lambda _connection, error: self._fail(no_connection(error)),
            on_close_callback=lambda _connection, reason: self._fail(broken(reason)),
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
        channel.add_on_return_callback(lambda *_returned: self._note(Unroutable(UNROUTABLE)))
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(self._answered, callback=lambda _frame: self._fill())

    def _fill(self) -> None:
        while len(self._unconfirmed) < _UNCONFIRMED and (message := next(self._messages, None)) is not None:
            self._sent += 1
            self._unconfirmed[self._sent] = message
            self._channel.basic_publish(
                *self._target, message.text, properties_of(message.headers or None), mandatory=True
            )

    def _answered(self, frame: Any) -> None:
        answer = frame.method
        if answer.NAME != "Basic.Ack":
            self._note(PublishRefused(REFUSED))
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
            self._note(broken(reason))
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
