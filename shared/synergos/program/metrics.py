"""What a program counts and measures, as Prometheus reads it from ``/metrics``.

Names, units and labels are as Prometheus' conventions want them. Labels have few values, and never an address or anything of a dataset.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry, Info, PlatformCollector, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from synergos.program.log_metrics import log_metrics

log = structlog.get_logger(__name__)

ROUTE = "/metrics"

# When a series began is as many series again, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types

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
        self.add(log_metrics)

    def add(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have something measured whenever the metrics are read; while it raises, it is missing from them."""
        self.registry.register(_Collected(collect))

    def answer(self, accepted: str) -> tuple[bytes, str]:
        """All of them as text, and what type that is: OpenMetrics for those who ask for it."""
        encode, kind = choose_encoder(accepted)
        return encode(self.registry), kind


OTHERS = "(others)"
"""A label value that stands for many; no id begins like it."""


class Few:
    """Values of a label, of which there are to be no more than so many: those that come first have figures of their own, all others share theirs.

    May be used by any thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()
        # Guards the step from finding room to taking it.
        self._lock = threading.Lock()

    def value(self, name: str) -> str:
        """What stands for a name."""
        if name in self._known:
            return name
        with self._lock:
            if len(self._known) < self._most:
                self._known.add(name)
        return name if name in self._known else OTHERS


class _Collected(Collector):
    """What one of them measures; should that fail, nothing of it is told, and all else is."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect
        # Set by whichever thread answers; two of them may both say what is said once.
        self._is_failing = False

    def collect(self) -> Iterable[Metric]:
        """What is measured now."""
        try:
            # All of it, or none: half a family would be told as a whole one.
            found = list(self._collect())
        except Exception as error:
            if not self._is_failing:
                self._is_failing = True
                # What it says may quote a record.
                log.warning("some metrics cannot be told", reason=type(error).__name__)
            return []
        self._is_failing = False
        return found
