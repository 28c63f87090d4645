"""All that a TTP measures for whoever reads its metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client.metrics_core import Metric

from synergos.orchestration.nodes import Nodes
from synergos.orchestration.participant_watch import ParticipantWatch
from synergos.program.health_metrics import health_metrics
from synergos.program.health_probe import probe
from synergos.program.health_watch import HealthWatch
from synergos.program.metrics import Metrics
from synergos.records import RecordStore
from synergos_ttp.settings import Settings
from synergos_ttp.subscribers.metrics import RunMetrics
from synergos_ttp.subscribers.participant_metrics import ParticipantMetrics


class TtpMetrics:
    """The metrics of a TTP; there are none where nobody is to read them.

    Attributes:
        participants: takes note of what is each participant's own, and of all that its line carries.
        runs: takes note of jobs.
    """

    def __init__(self, settings: Settings, store: RecordStore, health: HealthWatch) -> None:
        self._all = Metrics("ttp")
        self.participants = ParticipantMetrics(self._all.registry, settings.told_apart)
        self.runs = RunMetrics(self._all.registry, self.participants)
        grid = None if settings.cluster is None else settings.cluster.grid
        nodes = Nodes(store, partial(probe, where=settings.limits.where, tls=settings.program.tls_to_others), grid)
        self._watch = ParticipantWatch(nodes, settings.told_apart)
        for measured in (health_metrics(health), self._watch.metrics):
            self.add(measured)
        if settings.told_apart:
            self._watch.start()

    def add(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have something measured whenever the metrics are read."""
        self._all.add(collect)

    def answer(self, accepted: str) -> tuple[bytes, str]:
        """See :meth:`synergos.program.metrics.Metrics.answer`."""
        return self._all.answer(accepted)

    def close(self) -> None:
        """Ask participants nothing more."""
        self._watch.close()
