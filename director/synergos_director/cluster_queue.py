"""A cluster's queue as a director uses it, by :mod:`synmanager`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.exc import OperationalError

from synergos.domain.messages import NOT_HANDED_ON
from synergos.errors import InvalidRequest
from synergos.program.loop import Loop
from synergos_director.outcome_consumer import NotOurs, OutcomeConsumer
from synmanager.broker import MessageBroker, QueueStanding, Sign, unsigned
from synmanager.config import COMPLETED, DEAD, PARKED, RANKED, cluster_queue
from synmanager.errors import MessageTooLarge
from synmanager.publisher import Publisher
from synmanager.stream import Delivery, JobStream

log = structlog.get_logger(__name__)

_PAUSE = 1.0
"""Seconds before an outcome that could not be written down is looked at again."""


class DirectorQueue:
    """The queue as a publisher of jobs; for any number of threads.

    Args:
        sign: by which the TTPs know that a job is the director's.
    """

    def __init__(self, broker: MessageBroker, cluster: str, sign: Sign = unsigned) -> None:
        self._cluster = cluster
        self._publisher = Publisher(broker, sign=sign)
        self._queues = {queue.name: queue for queue in RANKED}

    def publish(self, queue: str, messages: Sequence[Mapping[str, object]]) -> None:
        """Queue messages; returns when the broker has them all.

        Raises:
            ConnectionError: the broker cannot be reached, or does not take them for now.
            InvalidRequest: one of them is too large for anybody to read.
        """
        try:
            self._publisher.publish(self._queues[queue], messages)
        except MessageTooLarge as error:
            raise InvalidRequest(str(error)) from error

    def dead_letter(self, message: Mapping[str, object], reason: str) -> None:
        """Put a job that was given up into the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached, or does not take it for now.
        """
        self._publisher.dead_letter(message, reason)

    def waiting(self) -> dict[str, int]:
        """How many messages lie in each queue that nobody has in hand, those handed on to this cluster included.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        return {
            queue.name: self._publisher.count(queue) + self._publisher.count(cluster_queue(queue, self._cluster))
            for queue in (*RANKED, COMPLETED)
        }

    def look(self) -> dict[str, QueueStanding]:
        """How each queue stands, those handed on to this cluster included, and the two that nobody empties.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        found = {}
        for queue in (*RANKED, COMPLETED):
            parts = [self._publisher.look(each) for each in (queue, cluster_queue(queue, self._cluster))]
            found[queue.name] = QueueStanding(
                sum(part.messages for part in parts), sum(part.consumers for part in parts)
            )
        return found | {queue.name: self._publisher.look(queue) for queue in (DEAD, PARKED)}

    def close(self) -> None:
        """Let go of the broker."""
        self._publisher.close()


class CompletedListener:
    """Hands what comes back from the TTPs to the :class:`OutcomeConsumer`, in a thread of its own, one after the other."""

    def __init__(self, broker: MessageBroker, cluster: str, outcome_consumer: OutcomeConsumer) -> None:
        self._outcomes = outcome_consumer
        # What another cluster's director came by first is handed on to a queue of this one's own.
        self._stream = JobStream(broker, [cluster_queue(COMPLETED, cluster), COMPLETED], reads=False)
        self._publisher = Publisher(broker)
        self._loop = Loop("archive", self._turn, pause=_PAUSE)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """Take up nothing more; what is in hand is finished."""
        self._loop.stop()

    def close(self) -> None:
        """Wait until what was in hand is finished, and let go of the broker."""
        self._loop.stop()
        self._stream.close()
        self._loop.close()
        self._publisher.close()

    def _turn(self) -> float:
        delivery = self._stream.take(1.0)
        if delivery is None:
            return 0.0
        try:
            return self._settle(delivery)
        except Exception:
            # The next one is not to blame for it; this one comes again.
            delivery.give_back()
            raise

    def _settle(self, delivery: Delivery) -> float:
        """Settle an outcome; how many seconds to wait before the next."""
        try:
            self._outcomes.settle(delivery.body, delivery.headers, is_redelivered=delivery.redelivered)
        except InvalidRequest as error:
            log.warning("a message of the completed queue is no outcome that counts, and was parked", reason=str(error))
            delivery.quarantine(str(error))
        except NotOurs as error:
            other = cluster_queue(COMPLETED, error.cluster)
            if self._publisher.declare(other):
                delivery.forward(other.name)
            else:
                log.warning("an outcome of another cluster was parked", cluster=error.cluster, reason=NOT_HANDED_ON)
                delivery.quarantine(NOT_HANDED_ON)
        except OperationalError as error:
            log.warning("outcome not settled yet", reason=type(error).__name__)
            delivery.give_back()
            return _PAUSE
        else:
            delivery.acknowledge()
        return 0.0
