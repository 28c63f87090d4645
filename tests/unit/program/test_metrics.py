"""Metrics of a program: what cannot be measured hides nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from structlog.testing import capture_logs

from synergos.program.metrics import Metrics


class Store:
    """What is measured; it may be away, and then fails in the middle."""

    def __init__(self) -> None:
        self.is_away = False

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("first", "One.", value=1)
        if self.is_away:
            raise OSError("row of a participant")
        yield GaugeMetricFamily("second", "Two.", value=2)


def test_what_cannot_be_measured_is_missing_and_said_once_until_it_is_back() -> None:
    store, metrics = Store(), Metrics("ttp")
    metrics.add(store.collect)

    with capture_logs() as lines:
        told = []
        for is_away in (False, True, True, False, True):
            store.is_away = is_away
            told.append(metrics.answer("")[0].decode())

    assert ["first 1.0" in text and "second 2.0" in text for text in told] == [True, False, False, True, False]
    assert not any("first" in text for text in (told[1], told[2], told[4]))
    assert all("synergos_build_info" in text for text in told)
    assert [(line["log_level"], line["reason"]) for line in lines] == [("warning", "OSError")] * 2
