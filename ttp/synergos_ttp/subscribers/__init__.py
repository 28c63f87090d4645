"""Those who follow a job by its events, a file each; see :mod:`synergos_ttp.events`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synergos.domain.job import Job
from synergos.records import RecordStore
from synergos_ttp.events import Subscriber
from synergos_ttp.subscribers.log import write_log
from synergos_ttp.subscribers.metrics import RunMetrics
from synergos_ttp.subscribers.pruning import Pruning
from synergos_ttp.subscribers.tracking import Tracking
from synergos_ttp.tracking.tracker import Tracker


def followers(store: RecordStore, tracker: Tracker, metrics: RunMetrics) -> Callable[[Job], Sequence[Subscriber]]:
    """What makes those who follow a job of a TTP; its progress, each way to run jobs reports in its own way."""

    def made(job: Job) -> Sequence[Subscriber]:
        pruning = Pruning.of(store, job)
        return [write_log, metrics.of(job), Tracking(tracker, store, job), *([] if pruning is None else [pruning])]

    return made
