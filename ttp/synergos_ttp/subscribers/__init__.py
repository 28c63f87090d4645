"""Those who follow a job by its events, a file each; see :mod:`synergos_ttp.events`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synergos.domain.job import Job
from synergos.ledger.ledger import Ledger
from synergos.records import RecordStore
from synergos.tracing import OFF, Tracer
from synergos_ttp.events import Subscriber
from synergos_ttp.subscribers.ledger import JobLedger
from synergos_ttp.subscribers.log import write_log
from synergos_ttp.subscribers.metrics import RunMetrics
from synergos_ttp.subscribers.pruning import Pruning
from synergos_ttp.subscribers.tracking import Tracking
from synergos_ttp.traces import traces
from synergos_ttp.tracking.tracker import Tracker


def followers(
    store: RecordStore,
    tracker: Tracker,
    metrics: RunMetrics | None,
    tracer: Tracer = OFF,
    ledger: Ledger | None = None,
) -> Callable[[Job], Sequence[Subscriber]]:
    """What makes those who follow a job of a TTP; its progress, each way to run jobs reports in its own way.

    Args:
        metrics: None where nobody is to read them.
        tracer: takes the spans of jobs.
        ledger: what is done is written down there; None where it is not.
    """
    trace_of = traces(tracer)

    def made(job: Job) -> Sequence[Subscriber]:
        pruning = Pruning.of(store, job)
        measured = [] if metrics is None else [metrics.of(job)]
        pruned = [] if pruning is None else [pruning]
        noted = [] if ledger is None else [JobLedger(ledger, job)]
        return [write_log, *noted, *measured, trace_of(job), Tracking(tracker, store, job), *pruned]

    return made
