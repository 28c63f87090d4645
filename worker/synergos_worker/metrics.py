"""What a worker measures: its sessions, what is prepared, what its data port carries, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.program.health_metrics import health_metrics
from synergos.program.health_watch import HealthWatch
from synergos.program.metrics import Metrics


class WorkerMetrics:
    """The metrics of a worker; there are none where nobody is to read them.

    Args:
        sessions: those that are open.
        waiting: how many preparations have not ended.
    """

    def __init__(self, sessions: Sized, waiting: Callable[[], int], health: HealthWatch) -> None:
        self._sessions = sessions
        self._waiting = waiting
        self._all = Metrics("worker")
        carried = Counter(
            "synergos_transferred_bytes",
            "Content of messages to this worker's data port (down) and of its answers (up).",
            ["direction"],
            registry=self._all.registry,
        )
        self._down, self._up = carried.labels("down"), carried.labels("up")
        for measured in (self._standing, health_metrics(health)):
            self._all.add(measured)

    def answer(self, accepted: str) -> tuple[bytes, str]:
        """See :meth:`synergos.program.metrics.Metrics.answer`."""
        return self._all.answer(accepted)

    def received(self, size: int, /) -> None:
        """See :class:`synergos_worker.data_app.Traffic`."""
        self._down.inc(size)

    def sent(self, size: int, /) -> None:
        """See :class:`synergos_worker.data_app.Traffic`."""
        self._up.inc(size)

    def _standing(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("synergos_sessions", "Sessions that are open.", value=len(self._sessions))
        yield GaugeMetricFamily(
            "synergos_preparations_waiting", "Datasets that are being read, or wait to be.", value=self._waiting()
        )
