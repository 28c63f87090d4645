"""How notes stand that are on their way to tracking servers: looked up when metrics are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool


def tracking_metrics(spool: NoteSpool, tracker: MlflowTracker) -> Callable[[], Iterable[Metric]]:
    """What measures them."""

    def collect() -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "synergos_tracking_servers_away", "Tracking servers that take no notes.", value=tracker.servers_away
        )
        yield GaugeMetricFamily(
            "synergos_tracking_spool_bytes", "Notes and files that wait for tracking servers.", value=spool.waiting
        )
        yield GaugeMetricFamily("synergos_tracking_spool_capacity_bytes", "How much may wait.", value=spool.capacity)
        yield CounterMetricFamily(
            "synergos_tracking_notes_dropped",
            "Losses, figures and files that were given up for want of room.",
            value=spool.dropped,
        )

    return collect
