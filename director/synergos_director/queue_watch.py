"""How the cluster's queues stand at the broker, looked at again and again by a thread of its own, for metrics and for pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.orchestration.grids import Broker, QueueDepth
from synergos.program.loop import Loop
from synmanager.broker import QueueStanding

log = structlog.get_logger(__name__)

_SECONDS = 10.0
_PATIENCE = 2.0


class QueueWatch:
    """Asks the broker how its queues stand; what it said last may be read by any thread.

    Args:
        look: asks it; raises ConnectionError where it cannot be reached. It takes no message in hand: how long
            the oldest job has waited is in the records, and a broker may count how often a message was given back.
        seconds: between two times.
        patience: seconds for which whoever wants to know first waits.
    """

    def __init__(
        self,
        look: Callable[[], Mapping[str, QueueStanding]],
        seconds: float = _SECONDS,
        patience: float = _PATIENCE,
    ) -> None:
        self._look = look
        self._patience = patience
        # Set when it was looked once; the lock is between requests that want to know first.
        self._looked, self._lock, self._is_started = threading.Event(), threading.Lock(), False
        self._seconds = seconds
        # Replaced as a whole by the watch's thread, so nobody needs a lock to read it; None when it was not to be had.
        self._found: Mapping[str, QueueStanding] | None = None
        self._loop = Loop("queues", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin, unless that is done."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                self._loop.start()

    def close(self) -> None:
        """End; a broker that does not answer is not waited for."""
        self._loop.close(1.0)

    def look(self) -> None:
        """Ask once."""
        try:
            self._ask()
        finally:
            self._looked.set()

    def _ask(self) -> None:
        try:
            self._found = self._look()
        except ConnectionError as error:
            self._found = None
            log.debug("the queues cannot be looked at", reason=type(error).__name__)
        except Exception:
            self._found = None
            raise

    def broker(self) -> Broker:
        """What was last found; from the first time that somebody wants to know on, it is looked again and again."""
        self.start()
        self._looked.wait(self._patience)
        found = self._found
        if found is None:
            return Broker(None)
        return Broker({name: QueueDepth(standing.messages, standing.consumers) for name, standing in found.items()})

    def metrics(self) -> Iterable[Metric]:
        """What was last found; nothing of the queues when it could not be looked at them."""
        found = self._found
        yield GaugeMetricFamily(
            "synergos_broker_reachable",
            "Whether the broker has answered when it was asked last.",
            value=found is not None,
        )
        messages = GaugeMetricFamily(
            "synergos_queue_messages", "Messages at the broker that nobody has in hand.", labels=["queue"]
        )
        consumers = GaugeMetricFamily(
            "synergos_queue_consumers", "Who is free to take messages from a queue.", labels=["queue"]
        )
        for name, standing in (found or {}).items():
            messages.add_metric([name], standing.messages)
            consumers.add_metric([name], standing.consumers)
        yield from (messages, consumers)

    def _turn(self) -> float:
        self.look()
        return self._seconds
