"""Every failure of the queue; pika's own errors stay behind :mod:`synmanager.rabbitmq`.

QueueError
├── BrokerUnavailable       no connection, or one that broke (also a ConnectionError)
│   └── Interrupted         … in the midst of many messages; it has those that were not confirmed
├── BrokerRefused           the broker does not do what it was asked to
├── NotConnected            an operator was used before ``connect()`` (also a RuntimeError, as the original raised)
├── CredentialsNeeded       the broker is on another machine, and its default user is for its own only
├── AccessRefused           the broker does not know this user, or does not let it in there
├── NotAMessage             a text that is no JSON object (also a ValueError)
├── PublishRefused          the broker did not take a message, and may later: it is full, say (also a ConnectionError)
│   └── Unroutable          … because no queue is there for it
└── MessageTooLarge         a message is not sent at all: nobody would read it (also a ValueError)

What a callback raises to say what is to become of its message:

Instruction
├── Drop                    it is done with
├── GiveBack                another may have it, now
└── Quarantine              it is no job; put it where people look
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synmanager.broker import Outgoing


class QueueError(Exception):
    """Root of the queue's failures."""


class BrokerUnavailable(QueueError, ConnectionError):
    """There is no connection to the broker, or it broke."""


class Interrupted(BrokerUnavailable):
    """The connection broke before all of many messages were confirmed.

    Attributes:
        unconfirmed: those of which it is not known whether the broker has them.
    """

    def __init__(self, reason: str, unconfirmed: Sequence[Outgoing]) -> None:
        super().__init__(reason)
        self.unconfirmed = unconfirmed


class BrokerRefused(QueueError):
    """The broker does not do what it was asked to: a queue is not there, or was declared differently."""


class NotConnected(QueueError, RuntimeError):
    """An operator was used before ``connect()``."""


class CredentialsNeeded(QueueError):
    """The broker's default user may be used from its own machine only."""


class AccessRefused(QueueError):
    """The broker does not let this user in, or not into this virtual host."""


class NotAMessage(QueueError, ValueError):
    """A text is no JSON object."""


class PublishRefused(QueueError, ConnectionError):
    """The broker did not take a message, and may later: for whoever publishes it is as good as away."""


class Unroutable(PublishRefused):
    """No queue is there for a message."""


class MessageTooLarge(QueueError, ValueError):
    """A message has more bytes than anybody reads."""


class Instruction(Exception):
    """What is to become of a message, said by the callback that has it."""


class Drop(Instruction):
    """The message is done with."""


class GiveBack(Instruction):
    """Another consumer may have the message, or this one later."""


class Quarantine(Instruction):
    """The message is no job.

    Args:
        reason: what is wrong with it.
    """
