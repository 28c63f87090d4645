"""What an orchestrator computes with: the TTPs there are, what each does, and what waits for them at a broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synergos.domain.job import Job, JobState
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.records.leases import Leases
from synergos.records.store import RecordStore


@dataclass(frozen=True)
class QueueDepth:
    """How a queue stands at the broker.

    Attributes:
        messages: those that nobody has in hand.
        consumers: who is free to take one.
    """

    messages: int
    consumers: int


@dataclass(frozen=True)
class Broker:
    """How a cluster's queues stand.

    Attributes:
        queues: by name; None while the broker cannot be reached.
    """

    queues: Mapping[str, QueueDepth] | None


@dataclass(frozen=True)
class GridView:
    """A TTP with what it computes on.

    Attributes:
        index: of the sub-grid; None where there is but one grid.
        ttp: what its TTP is called.
        is_busy: whether a job runs there.
        job: that one, as far as it is told; None where there is none, or it is about another's data.
        joined: how many workers have dialled out to its TTP; None where that is not known here.
    """

    index: int | None
    ttp: str
    is_busy: bool
    job: Job | None
    joined: int | None


class Grids:
    """The sub-grids of one record store.

    Args:
        name: what this program is called, which is the TTP where there is no cluster.
        look: how the cluster's queues stand; None where there is no cluster.
    """

    def __init__(
        self,
        store: RecordStore,
        name: str = "",
        look: Callable[[], Broker] | None = None,
        access: Access | None = None,
    ) -> None:
        self._store = store
        self._name = name
        self._look = look
        self._leases = Leases(store).grids
        self._access = access or Access(store)

    def find(self, caller: Caller) -> list[GridView]:
        """All that have a TTP that lives, in the order of their sub-grids."""
        running = {job.grid: job for job in self._store.jobs(state=JobState.RUNNING.value)}
        if self._look is None:
            return [self._view(caller, None, self._name, next(iter(running.values()), None), None)]
        joined = self._leases.joined()
        return [
            self._view(caller, index, ttp, running.get(index), len(joined.get(index, ())))
            for index, ttp in self._leases.living().items()
        ]

    def broker(self) -> Broker | None:
        """How the cluster's queues stood when it was last looked; None where there is no cluster."""
        return None if self._look is None else self._look()

    def _view(self, caller: Caller, index: int | None, ttp: str, job: Job | None, joined: int | None) -> GridView:
        if job is None:
            return GridView(index, ttp, is_busy=False, job=None, joined=joined)
        is_told = self._access.may_read_job(caller, job.keys)
        return GridView(index, ttp, is_busy=True, job=job if is_told else None, joined=joined)
