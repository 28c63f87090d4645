"""Publishes messages for jobs that are ready, for the TTPs to consume, and dead letters for jobs that were given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol

import structlog

from synergos.domain.job import Job, Stage
from synergos.domain.messages import job_message
from synergos.errors import DamagedRecord, InvalidRequest, RecordNotFound
from synergos.program.log_context import about_job
from synergos.records import RecordStore
from synergos.tracing import OFF, Kind, Tracer
from synergos.tracing.of_jobs import part_of
from synergos_director.queued_job import queued_job

log = structlog.get_logger(__name__)

QUEUES: Mapping[Stage, str] = {
    Stage.CHECK: "preprocess",
    Stage.PREPROCESS: "preprocess",
    Stage.TRAIN: "train",
    Stage.VALIDATE: "evaluate",
    Stage.PREDICT: "evaluate",
}
"""Which queue the jobs of a stage wait in."""
COMPLETED = "completed"
"""Which queue their outcomes come back in."""


class Queue(Protocol):
    """The cluster's queue, as a director sees it."""

    def publish(self, queue: str, messages: Sequence[Mapping[str, object]]) -> None:
        """Queue messages; returns when the broker has them all.

        Raises:
            ConnectionError: the broker cannot be reached.
            InvalidRequest: one of them is too large for anybody to read.
        """

    def dead_letter(self, message: Mapping[str, object], reason: str) -> None:
        """Dead-letter a job that was given up: publish it to the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def waiting(self) -> Mapping[str, int]:
        """How many messages lie in each queue that nobody has in hand; jobs, and what has come back.

        Raises:
            ConnectionError: the broker cannot be reached.
        """


class JobPublisher:
    """Publishes a message for each job that has become ready.

    Args:
        tracer: is told how long that takes.
    """

    def __init__(self, store: RecordStore, queue: Queue, tracer: Tracer = OFF) -> None:
        self._store = store
        self._queue = queue
        self._tracer = tracer
        self._cluster = store.cluster_id()

    def publish(self, jobs: Iterable[Job]) -> None:
        """Publish a message for each; what the broker does not get is published again later, by :class:`~synergos_director.reconciler.Reconciler`."""
        by_queue: dict[str, list[dict[str, object]]] = {}
        traced = ExitStack()
        for job in jobs:
            traced.enter_context(part_of(job, self._tracer, "publish", Kind.PRODUCER))
            try:
                by_queue.setdefault(QUEUES[job.stage], []).append(queued_job(self._store, job, self._cluster))
            except (RecordNotFound, DamagedRecord, TypeError, LookupError, AttributeError) as error:
                # Deleted, or damaged: the job itself will say so.
                with about_job(job):
                    log.info("published without its records", reason=type(error).__name__)
                by_queue.setdefault(QUEUES[job.stage], []).append(job_message(job, self._cluster, [], {}))
        try:
            with traced:
                for queue, messages in by_queue.items():
                    self._publish(queue, messages)
        except ConnectionError as error:
            log.warning("jobs wait for the queue to be back", jobs=sum(map(len, by_queue.values())), reason=str(error))

    def _publish(self, queue: str, messages: Sequence[Mapping[str, object]]) -> None:
        try:
            self._queue.publish(queue, messages)
        except InvalidRequest as error:
            log.info("published without their records", jobs=len(messages), reason=str(error))
            self._queue.publish(queue, [{**message, "grids": [], "parameters": {}} for message in messages])

    def dead_letter(self, job: Job, reason: str) -> None:
        """Dead-letter a job that was given up.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        self._queue.dead_letter(job_message(job, self._cluster, [], job.parameters), reason)

    def outcomes_waiting(self) -> int:
        """How many outcomes lie in the queue that nobody has looked at.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        return self._queue.waiting().get(COMPLETED, 0)

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """Of the jobs that are ready, as many as have no message waiting for whoever takes them up.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        waiting = dict(self._queue.waiting())
        found = []
        for job in jobs:
            queue = QUEUES[job.stage]
            if waiting.get(queue, 0) > 0:
                waiting[queue] -= 1
            else:
                found.append(job)
        return found
