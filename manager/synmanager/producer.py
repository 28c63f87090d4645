"""The end of a queue that puts messages in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synmanager.base_operator import BaseOperator
from synmanager.broker import Outgoing
from synmanager.errors import MessageTooLarge
from synmanager.message import LARGEST
from synmanager.publisher import publish_rest


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
            MessageTooLarge: nobody would read it.
        """
        if (size := len(message.encode())) > LARGEST:
            raise MessageTooLarge(f"a message has {size} bytes, and at most {LARGEST} are read")
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

    def process_many(self, messages: Iterable[Mapping[str, object]]) -> list[str]:
        """Publish many messages, and wait for the broker once rather than after each; the texts that were published.

        Raises:
            QueueError: see :meth:`publish_message`; some of the messages may have been published.
        """
        texts = [self.create_message(message) for message in messages]
        rest = [Outgoing(text) for text in texts]
        with self._lock:
            self._with_link(lambda link: publish_rest(link, self.exchange_name, self.routing_key, rest), self.patience)
        return texts

    def publish_to(self, queue: str, message: Mapping[str, object]) -> str:
        """Publish a message straight to a queue of this name; the text that was published.

        Raises:
            Unroutable: there is no such queue.
            QueueError: see :meth:`publish_message`.
        """
        text = self.create_message(message)
        with self._lock:
            self._with_link(lambda link: link.publish("", queue, text), self.patience)
        return text
