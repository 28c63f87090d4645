"""A cluster's queue as a TTP uses it, by :mod:`synmanager`."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.errors import InvalidRequest
from synmanager.broker import MessageBroker, Sign, unsigned
from synmanager.config import COMPLETED, RANKED, Queue, cluster_queue
from synmanager.errors import MessageTooLarge
from synmanager.publisher import Publisher
from synmanager.stream import Delivery, JobStream


class TtpQueue:
    """Jobs to take, outcomes to send.

    Args:
        cluster: the record store whose jobs are run here.
        sign: by which the director knows whose an outcome is.
    """

    def __init__(self, broker: MessageBroker, cluster: str, sign: Sign = unsigned) -> None:
        # What the programs of another cluster came by first is handed on to queues of this one's own.
        queues = [each for queue in RANKED for each in (queue, cluster_queue(queue, cluster))]
        self._stream = JobStream(broker, queues, reads=False)
        self._publisher = Publisher(broker, sign=sign)

    def take(self, timeout: float) -> Delivery | None:
        """The next message; None when there is none in time, or the queue was closed."""
        return self._stream.take(timeout)

    def queue_of(self, name: str, cluster: str) -> str | None:
        """The queue beside ``name`` that the programs of another record store read, which is there then; None where this user of
        the broker may not make it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        own = cluster_queue(Queue(name), cluster)
        return own.name if self._publisher.declare(own) else None

    def complete(self, outcome: Mapping[str, object]) -> None:
        """Send an outcome off; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached, or does not take it for now.
            InvalidRequest: it is too large for any director to read.
        """
        try:
            self._publisher.publish(COMPLETED, [outcome])
        except MessageTooLarge as error:
            raise InvalidRequest(str(error), "outputs") from error

    def dead_letter(self, message: Mapping[str, object], reason: str) -> None:
        """Put a job that was given up into the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached, or does not take it for now.
        """
        self._publisher.dead_letter(message, reason)

    def stop(self) -> None:
        """Take no more; what is in hand can still be settled, and its outcome sent."""
        self._stream.stop()

    def close(self) -> None:
        """Let go of the broker."""
        self._stream.close()
        self._publisher.close()
