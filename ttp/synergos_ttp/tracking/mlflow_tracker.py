"""Follows trainings and validations for MLflow: keeps notes while jobs go on, and has them sent beside.

Jobs leave losses in memory and go on; a thread writes them to a spool on disk, at most once a second, so that rounds of milliseconds stay
rounds of milliseconds. How a job ended, and what a validation found, its own thread writes there before it is done. Another thread sends
what is on the disk: a server that is away gets it when it is back, also from the next process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from synergos.domain.outputs import Validated
from synergos.program.loop import Loop
from synergos_ttp.tracking.note_sender import NoteSender
from synergos_ttp.tracking.note_spool import BATCH, NoteSpool
from synergos_ttp.tracking.notes import (
    SEPARATOR,
    AbandonedNotes,
    Ending,
    ModelNotes,
    Notes,
    OfStudy,
    Point,
    StudyNotes,
    Target,
    TrainingNotes,
    ValidationNotes,
    Writer,
)
from synergos_ttp.tracking.points import points_of
from synergos_ttp.tracking.tracker import Status, StudyEnd, TrackingSubject

log = structlog.get_logger(__name__)

_UNTIL_WOKEN = 3600.0


class MlflowTracker:
    """See :class:`synergos_ttp.tracking.tracker.Tracker`.

    Args:
        spool: of this tracker alone, which closes it.
        writer: used by this tracker's thread alone.
        interval: least seconds between two batches.
        deadline: seconds for which the end of a job waits until its notes are written.
    """

    def __init__(self, spool: NoteSpool, writer: Writer, *, interval: float = 1.0, deadline: float = 5.0) -> None:
        self._spool = spool
        self._sender = NoteSender(spool, writer, first_pause=interval)
        self._deadline = deadline
        self._interval = interval
        # Held while a training is added, or goes.
        self._changing = threading.Lock()
        self._followed: list[FollowedTraining] = []
        self._is_full = False
        self._kept_at = 0.0
        self._loop = Loop("tracking notes", self._turn, pause=interval)

    @property
    def servers_away(self) -> int:
        """How many servers take no notes."""
        return self._sender.servers_away

    def start(self) -> None:
        """Write what comes."""
        self._loop.start()
        self._sender.start()

    def close(self) -> None:
        """Write what there is, within the deadline; what is left is on the disk. Nothing happens the second time."""
        if self._loop.is_stopping:
            return
        self._loop.close()
        self._keep_losses()
        self._sender.close(self._deadline)
        self._spool.close()

    def training(
        self, subject: TrackingSubject, job_id: str, parameters: Mapping[str, object], study: OfStudy | None = None
    ) -> FollowedTraining:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        followed = FollowedTraining(self, subject, TrainingNotes(target_of(subject), job_id, given, study=study))
        with self._changing:
            self._followed.append(followed)
        if study is not None:
            self._spool.note_trial(job_id, study.study_id, subject.to_json())
        # It is seen at once, before its first round.
        self.keep(followed.begun)
        return followed

    def validated(self, subject: TrackingSubject, found: Validated, job_id: str | None = None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        self._wait(self.keep(ValidationNotes(target_of(subject), tuple(points_of(found)), job_id)))

    def abandoned(self, subject: TrackingSubject, job_id: str) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`; nobody waits for it."""
        self.keep(AbandonedNotes(target_of(subject), job_id))

    def studies(self) -> Mapping[str, tuple[TrackingSubject, list[str]]]:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        known = self._spool.studies()
        return {study: (TrackingSubject.from_json(subject), jobs) for study, (subject, jobs) in known.items()}

    def study_ended(self, subject: TrackingSubject, study_id: str, end: StudyEnd | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        if end is not None:
            name = registered_name(subject) if subject.registers and end.is_best_own else None
            target = replace(target_of(subject), run=study_id)
            points = tuple(Point(name, value, 0) for name, value in end.figures.items())
            self.keep(StudyNotes(target, study_id, end.status.value, points, end.best_job, name))
        self._spool.forget_study(study_id)

    def ended(self, followed: FollowedTraining, ending: Ending) -> None:
        """Write down how a training has ended, and its model; for :class:`FollowedTraining`."""
        with self._changing:
            self._followed.remove(followed)
            self._keep_losses_of(followed)
        # Both are on the disk before anything is waited for: nobody may come back to keep the second.
        number = self.keep(replace(followed.begun, ending=ending))
        subject = followed.subject
        if ending.exports is not None and (subject.address is not None or subject.registers):
            # Trials are many: of theirs the best is registered, when their study has ended.
            name = registered_name(subject) if subject.registers and followed.begun.study is None else None
            self.keep(ModelNotes(target_of(subject), followed.begun.job_id, ending.exports, name))
        self._wait(number)

    def keep(self, notes: Notes) -> int | None:
        """Have notes on the disk, and sent."""
        number = self._spool.add(notes)
        if number is None and not self._is_full:
            log.warning("no room for MLflow's notes; they are given up", address=notes.target.address)
        self._is_full = number is None
        self._sender.wake()
        return number

    def wake(self) -> None:
        """There are new losses."""
        self._loop.wake()

    def _wait(self, number: int | None) -> None:
        if number is not None:
            self._sender.wait(number, self._deadline)

    def _turn(self) -> float:
        if (left := self._kept_at + self._interval - time.monotonic()) > 0:
            return left
        self._keep_losses()
        self._kept_at = time.monotonic()
        return _UNTIL_WOKEN

    def _keep_losses(self) -> None:
        with self._changing:
            for followed in self._followed:
                self._keep_losses_of(followed)

    def _keep_losses_of(self, followed: FollowedTraining) -> None:
        points = followed.taken()
        for first in range(0, len(points), BATCH):
            self.keep(replace(followed.begun, points=tuple(points[first : first + BATCH])))


class FollowedTraining:
    """One training; the job's thread leaves losses, the tracker's takes them.

    Args:
        begun: all of it that is known at its beginning.
    """

    def __init__(self, tracker: MlflowTracker, subject: TrackingSubject, begun: TrainingNotes) -> None:
        self.subject, self.begun = subject, begun
        self._tracker = tracker
        # Held for as long as it takes to add to the losses, or to take them: never while anything is written.
        self._adding = threading.Lock()
        self._points: list[Point] = []

    def trained(self, number: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_train_loss": loss} | {f"{who}_local_loss": own for who, own in local.items()})

    def evaluated(self, number: int, loss: float | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_evaluate_loss": loss})

    def end(self, status: Status | None, exports: Path | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._tracker.ended(
            self, Ending(None if status is None else status.value, None if exports is None else str(exports))
        )

    def taken(self) -> list[Point]:
        """The losses since the last call."""
        with self._adding:
            points, self._points = self._points, []
        return points

    def _note(self, number: int, losses: Mapping[str, float | None]) -> None:
        known = [Point(name, loss, number) for name, loss in losses.items() if loss is not None]
        with self._adding:
            is_first = not self._points
            self._points += known
        if is_first and known:
            self._tracker.wake()


def target_of(subject: TrackingSubject) -> Target:
    """Where notes about a run go."""
    return Target(SEPARATOR.join(subject.run.experiment.ids), subject.run.run_id, subject.address)


def registered_name(subject: TrackingSubject) -> str:
    """Of the models of an experiment in MLflow's registry, which takes no slash."""
    _, project, experiment = subject.run.experiment.ids
    return f"{project}{SEPARATOR}{experiment}"
