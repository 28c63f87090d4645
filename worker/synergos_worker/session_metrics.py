"""What a worker measures of its sessions and preparations, looked up when metrics are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


def session_metrics(sessions: Sized, waiting: Callable[[], int]) -> Callable[[], Iterable[Metric]]:
    """What measures them.

    Args:
        waiting: how many preparations have not ended.
    """

    def collect() -> Iterable[Metric]:
        yield GaugeMetricFamily("synergos_sessions", "Sessions that are open.", value=len(sessions))
        yield GaugeMetricFamily(
            "synergos_preparations_waiting", "Datasets that are being read, or wait to be.", value=waiting()
        )

    return collect
