"""What this package asks of a broker: RabbitMQ (:mod:`synmanager.rabbitmq`), or its twin in this process
(:mod:`synmanager.memory`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from synmanager.config import Queue

DEFAULT_PORT = 5672
HEARTBEAT_SECONDS = 30


@dataclass(frozen=True)
class QueueStanding:
    """How a queue stands.

    Attributes:
        messages: that nobody has in hand.
        consumers: how many take messages from it.
    """

    messages: int
    consumers: int


@dataclass(frozen=True)
class Message:
    """A message as a broker hands it over.

    Attributes:
        queue: the name of the queue it came from.
        tag: the broker's number for it on this link.
        redelivered: whether somebody had it in hand before.
    """

    queue: str
    tag: int
    body: bytes
    redelivered: bool = False
    headers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outgoing:
    """A message on its way to a broker."""

    text: str
    headers: Mapping[str, object] = field(default_factory=dict)


Sign = Callable[[str, bytes], Mapping[str, object]]
"""The headers by which a message's readers know who has put it in, from the queue's name and the bytes."""


def unsigned(_queue: str, _body: bytes) -> Mapping[str, object]:
    """None."""
    return {}


class Link(Protocol):
    """A connection with a channel on it. It belongs to one thread; only :meth:`call_soon` is for the others, too.

    Every method but ``call_soon`` and ``close`` raises BrokerUnavailable when the connection is gone, and BrokerRefused
    when the broker does not do it; after either the link is of no more use.
    """

    @property
    def connection(self) -> Any:
        """The broker's own object."""

    @property
    def channel(self) -> Any:
        """The broker's own object."""

    @property
    def is_open(self) -> bool:
        """Whether it is, as far as is known without asking the broker."""

    def declare_exchange(self, name: str, exchange_type: str, durable: bool) -> None:
        """See that an exchange is there."""

    def declare(self, queue: Queue) -> bool:
        """See that a queue is there, and bound to what fills it; one who may not declare anything looks whether it is there.

        Returns:
            False for a queue that is optional, and that this user may not declare.
        """

    def publish(
        self, exchange: str, routing_key: str, text: str | bytes, headers: Mapping[str, object] | None = None
    ) -> None:
        """Publish a persistent message; returns when the broker has it.

        Raises:
            Unroutable: no queue is there for it; the link is as good as before.
            PublishRefused: the broker did not take it; the link is as good as before.
        """

    def publish_many(self, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> None:
        """Publish many, and wait once; see :meth:`publish`.

        Raises:
            Interrupted: the connection broke; it knows which of them the broker may not have.
        """

    def get(self, queue: str) -> Message | None:
        """Take the oldest message of a queue, if there is one."""

    def consume(self, queue: str, on_message: Callable[[Message], None]) -> str:
        """Have messages come during :meth:`wait`, the next one when the one before is settled; the consumer's name."""

    def cancel(self, consumer: str) -> None:
        """Have no more come; those that came and were not handed over yet go back."""

    def acknowledge(self, tag: int) -> None:
        """A message is done with."""

    def give_back(self, tag: int) -> None:
        """Put a message back where it was."""

    def count(self, queue: str) -> int:
        """How many messages lie in a queue that nobody has in hand."""

    def standing(self, queue: str) -> QueueStanding:
        """How a queue stands."""

    def purge(self, queue: str) -> int:
        """Remove the messages that lie in a queue; how many."""

    def wait(self, seconds: float | None = None) -> None:
        """Wait for something to happen, at most so long; hand over what came and call what is to be called.

        It may return early.

        Raises:
            BrokerRefused: also when the broker has closed the channel, or deleted a queue that is consumed.
        """

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have the link's thread call something when it waits; nothing happens when the link is gone."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Have it called after so many seconds, while the link waits; never when it is closed before."""

    def close(self) -> None:
        """Close it, were it broken; what is in hand goes back."""


class MessageBroker(Protocol):
    """Where links come from."""

    @property
    def user(self) -> str:
        """As whom it lets us in."""

    def link(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Link:
        """A new link, with the topology of :mod:`synmanager.config` declared.

        Args:
            heartbeat: seconds; 0 for none. Whoever asks for one must wait on the link that often.
            blocked_connection_timeout: seconds a broker that is short of memory may keep us waiting.

        Raises:
            BrokerUnavailable: nobody answers, or not as a broker does.
            AccessRefused: it does not let us in.
            BrokerRefused: a queue was declared differently by somebody else.
        """

    def link_on(self, connection: Any, channel: Any) -> Link:
        """The link that these objects of the broker's make."""

    def check(self) -> None:
        """Find out what is wrong without asking the broker.

        Raises:
            CredentialsNeeded: it is on another machine, and there is no user name.
        """
