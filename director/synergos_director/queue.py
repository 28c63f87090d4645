"""A cluster's queue as a director uses it, by :mod:`synmanager`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError

from synergos.errors import InvalidRequest
from synergos.program.queue_flags import QueueTarget
from synergos_director.archivist import Archivist, NotOurs
from synmanager.config import COMPLETED, RANKED, cluster_queue
from synmanager.errors import PublishRefused
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker
from synmanager.stream import Delivery, JobStream

log = structlog.get_logger(__name__)

_PAUSE = 1.0
"""Seconds before an outcome that could not be written down is looked at again."""


class DirectorQueue:
    """Jobs to announce."""

    def __init__(self, target: QueueTarget, cluster: str) -> None:
        self._cluster = cluster
        self._publisher = Publisher(Broker(**vars(target)))
        self._queues = {queue.name: queue for queue in RANKED}

    def publish(self, queue: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queue messages; returns when the broker has them all.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        self._publisher.publish(self._queues[queue], messages)

    def bury(self, message: Mapping[str, Any], reason: str) -> None:
        """Put a job that was given up into the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        try:
            self._publisher.bury(message, reason)
        except PublishRefused as error:
            raise ConnectionError(str(error)) from error

    def waiting(self) -> dict[str, int]:
        """How many messages lie in each queue that nobody has in hand, those handed on to this cluster included.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        return {
            queue.name: self._publisher.count(queue.name)
            + self._publisher.count(cluster_queue(queue, self._cluster).name)
            for queue in (*RANKED, COMPLETED)
        }

    def close(self) -> None:
        """Let go of the broker."""
        self._publisher.close()


class CompletedListener:
    """Hands what comes back from the TTPs to the archivist, in a thread of its own, one after the other."""

    def __init__(self, target: QueueTarget, cluster: str, archivist: Archivist) -> None:
        broker = Broker(**vars(target))
        self._archivist = archivist
        # What another cluster's director came by first is handed on to a queue of this one's own.
        self._stream = JobStream(broker, [cluster_queue(COMPLETED, cluster), COMPLETED])
        self._publisher = Publisher(broker)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="archive", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take up nothing more; what is in hand is finished."""
        self._stopping.set()

    def close(self) -> None:
        """Wait until what was in hand is finished, and let go of the broker."""
        self._stopping.set()
        self._stream.close()
        if self._thread.is_alive():
            self._thread.join(timeout=60)
        self._publisher.close()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            delivery: Delivery | None = None
            try:
                delivery = self._stream.take(1.0)
                if delivery is not None:
                    self._settle(delivery)
            except Exception:
                # The next one is not to blame for it; this one comes again.
                log.exception("outcome not settled")
                if delivery is not None:
                    delivery.give_back()
                self._stopping.wait(_PAUSE)

    def _settle(self, delivery: Delivery) -> None:
        try:
            self._archivist.settle(delivery.message)
        except InvalidRequest as error:
            log.warning("a message of the completed queue is no outcome, and was parked", reason=str(error))
            delivery.park(str(error))
        except NotOurs as error:
            other = cluster_queue(COMPLETED, error.cluster)
            self._publisher.declare(other)
            delivery.forward(other.name)
        except OperationalError as error:
            log.warning("outcome not settled yet", reason=type(error).__name__)
            delivery.give_back()
            self._stopping.wait(_PAUSE)
        else:
            delivery.acknowledge()
