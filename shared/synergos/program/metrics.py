"""What a program counts and measures, as Prometheus reads it from ``/metrics``.

Names, units and labels are as Prometheus' conventions want them. Labels have few values, and never an address or anything of a dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Info, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

ROUTE = "/metrics"

Answer = Callable[[str], tuple[bytes, str]]
"""Given what is accepted, the text and its type."""


class Metrics:
    """The metrics of one program; whoever measures something registers it.

    Attributes:
        registry: where they are registered.
    """

    def __init__(self, component: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        Info("synergos_build", "Which program this is, and of which release.", registry=self.registry).info(
            {"component": component, "version": version("synergos")}
        )

    def add(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have something measured whenever the metrics are read."""
        self.registry.register(_Collected(collect))

    def answer(self, accepted: str) -> tuple[bytes, str]:
        """All of them as text, and what type that is: OpenMetrics for those who ask for it."""
        encode, kind = choose_encoder(accepted)
        return encode(self.registry), kind


class _Collected(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """What is measured now."""
        return self._collect()
