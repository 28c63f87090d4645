"""How log messages stand that are on their way to a log server: looked up when metrics are read."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.gelf import GelfHandler
from synergos.program.system_metrics import LOGGER

_LOGGERS = {"messages": "", "system_metrics": LOGGER}
"""By what is logged to them; each has a buffer of its own."""


def log_metrics() -> Iterable[Metric]:
    """What measures it; nothing where there is no log server."""
    away = GaugeMetricFamily("synergos_log_receiver_away", "Whether the log server takes no messages.", labels=["kind"])
    waiting = GaugeMetricFamily(
        "synergos_log_buffer_bytes", "Log messages that wait on disk for the log server.", labels=["kind"]
    )
    capacity = GaugeMetricFamily("synergos_log_buffer_capacity_bytes", "How much may wait.", labels=["kind"])
    dropped = CounterMetricFamily(
        "synergos_log_messages_dropped", "Log messages that were given up because there was no room.", labels=["kind"]
    )
    for kind, name in _LOGGERS.items():
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, GelfHandler) and (found := handler.standing) is not None:
                away.add_metric([kind], int(found.is_away))
                waiting.add_metric([kind], found.waiting)
                capacity.add_metric([kind], found.capacity)
                dropped.add_metric([kind], found.dropped)
    yield from (metric for metric in (away, waiting, capacity, dropped) if metric.samples)
