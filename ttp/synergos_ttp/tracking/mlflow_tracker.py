"""Follows trainings and validations for MLflow: keeps notes while jobs go on, and has them written beside.

Jobs leave notes and go on; a thread of its own hands them to a :class:`~synergos_ttp.tracking.notes.Writer`, at most one
batch a second, so that rounds of milliseconds stay rounds of milliseconds. A server that does not answer is logged once a
job.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from synergos.domain.outputs import Validated
from synergos.program.log_context import in_context
from synergos.program.loop import Loop
from synergos_ttp.tracking.notes import (
    SEPARATOR,
    AbandonedNotes,
    Ending,
    Notes,
    NotWritten,
    Point,
    Target,
    TrainingNotes,
    ValidationNotes,
    Writer,
)
from synergos_ttp.tracking.points import points_of
from synergos_ttp.tracking.tracker import Status, TrackingSubject

log = structlog.get_logger(__name__)

_BATCH = 1000
"""Metrics in one request; a server takes no more."""
_MOST_POINTS = 200_000
"""Notes that are kept while a server does not answer; later ones are lost."""


class MlflowTracker:
    """See :class:`synergos_ttp.tracking.tracker.Tracker`.

    Args:
        writer: used by this tracker's thread alone.
        interval: least seconds between two batches.
        deadline: seconds for which the end of a job waits until its notes are written.
    """

    def __init__(self, writer: Writer, *, interval: float = 1.0, deadline: float = 5.0) -> None:
        self._writer = writer
        self._interval = interval
        self._deadline = deadline
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._loop = Loop("tracking", self._turn, pause=0.0)

    def start(self) -> None:
        """Write what comes."""
        self._loop.start()

    def close(self) -> None:
        """Write what there is, within the deadline."""
        self._tasks.put(None)
        self._loop.wait(self._deadline)
        self._writer.close()

    def training(self, subject: TrackingSubject, job_id: str, parameters: Mapping[str, Any]) -> FollowedTraining:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        begun = TrainingNotes(_target(subject), job_id, given)
        followed = FollowedTraining(self._writer, subject, begun, self._interval, self._deadline)
        self._tasks.put(in_context(followed.write))
        return followed

    def validated(self, subject: TrackingSubject, found: Validated) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        notes = ValidationNotes(_target(subject), tuple(points_of(found)))
        self._soon(subject, notes).wait(self._deadline)

    def abandoned(self, subject: TrackingSubject, job_id: str) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`; nobody waits for it."""
        self._soon(subject, AbandonedNotes(_target(subject), job_id))

    def _soon(self, subject: TrackingSubject, notes: Notes) -> threading.Event:
        """Have the thread write something; what is set when it has, or has failed."""
        done = threading.Event()

        def attempt() -> None:
            try:
                self._writer.write(notes)
            except NotWritten as error:
                _warn(subject, error)
            finally:
                done.set()

        self._tasks.put(in_context(attempt))
        return done

    def _turn(self) -> float:
        task = self._tasks.get()
        if task is None:
            self._loop.stop()
        else:
            task()
        return 0.0


class FollowedTraining:
    """One training; the job's thread leaves notes, the tracker's thread writes them until the training has ended.

    Args:
        begun: all of it that is known at its beginning.
    """

    def __init__(
        self, writer: Writer, subject: TrackingSubject, begun: TrainingNotes, interval: float, deadline: float
    ) -> None:
        self._writer = writer
        self._subject = subject
        self._begun = begun
        self._interval = interval
        self._deadline = deadline
        self._points: list[Point] = []
        self._ending = Ending(None, None)
        self._news, self._ended, self._written = threading.Event(), threading.Event(), threading.Event()
        self._failed = self._warned = False

    def trained(self, number: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_train_loss": loss} | {f"{who}_local_loss": own for who, own in local.items()})

    def evaluated(self, number: int, loss: float | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_evaluate_loss": loss})

    def end(self, status: Status | None, exports: Path | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._ending = Ending(None if status is None else status.value, None if exports is None else str(exports))
        self._ended.set()
        self._news.set()
        if not self._failed:
            self._written.wait(self._deadline)

    def _note(self, number: int, losses: Mapping[str, float | None]) -> None:
        known = {name: loss for name, loss in losses.items() if loss is not None}
        if len(self._points) + len(known) <= _MOST_POINTS:
            self._points.extend(Point(name, loss, number) for name, loss in known.items())
        self._news.set()

    def write(self) -> None:
        """Write notes as they come, until the training has ended."""
        ended = False
        try:
            while not ended:
                self._news.clear()
                ended = self._ended.is_set()
                self._attempt(ended)
                if not ended:
                    self._news.wait()
                    self._ended.wait(self._interval)
        finally:
            self._written.set()

    def _attempt(self, ended: bool) -> None:
        try:
            while True:
                batch = tuple(self._points[:_BATCH])
                is_last = len(batch) == len(self._points)
                self._writer.write(
                    replace(self._begun, points=batch, ending=self._ending if ended and is_last else None)
                )
                del self._points[: len(batch)]
                if is_last:
                    break
            self._failed = False
        except NotWritten as error:
            if not self._warned:
                _warn(self._subject, error)
            self._warned = self._failed = True


def _target(subject: TrackingSubject) -> Target:
    return Target(SEPARATOR.join(subject.run.experiment.ids), subject.run.run_id, subject.address)


def _warn(subject: TrackingSubject, error: NotWritten) -> None:
    log.warning("MLflow takes no notes", address=subject.address, reason=error.reason, **subject.run)
    log.debug("MLflow's reason", detail=error.detail)
