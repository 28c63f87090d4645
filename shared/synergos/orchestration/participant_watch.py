"""Which participants an orchestrator reaches, looked at again and again by a thread of its own, for whoever reads the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from synergos.orchestration.nodes import Nodes
from synergos.program.loop import Loop

_SECONDS = 30.0
_PATIENCE = 10.0


class ParticipantWatch:
    """Asks the workers of participants whether they are there.

    Args:
        most: so many participants are asked, the ones that registered last.
        seconds: between two times.
    """

    def __init__(self, nodes: Nodes, most: int, seconds: float = _SECONDS) -> None:
        self._nodes = nodes
        self._most = most
        self._seconds = seconds
        # Replaced as a whole by the watch's thread, so nobody needs a lock to read it.
        self._reachable: Mapping[str, bool] = {}
        self._loop = Loop("participants", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End; whoever is being asked is not waited for."""
        self._loop.close(1.0)

    def look(self) -> None:
        """Ask all of them once."""
        try:
            self._reachable = self._nodes.reachable(self._most, _PATIENCE)
        except Exception:
            self._reachable = {}
            raise

    def metrics(self) -> Iterable[Metric]:
        """What was last found; nothing when it could not be looked at."""
        reachable = GaugeMetricFamily(
            "synergos_participant_reachable",
            "Whether a participant's worker answers at both ports, as it was registered last.",
            labels=["participant"],
        )
        for participant, is_reachable in self._reachable.items():
            reachable.add_metric([participant], int(is_reachable))
        yield reachable

    def _turn(self) -> float:
        self.look()
        return self._seconds
