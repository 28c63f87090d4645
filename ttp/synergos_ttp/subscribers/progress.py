"""How far a job is, in its record: a thread of its own writes, so that no round waits for the record store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from synergos.domain.job_progress import JOB_PROGRESS, AwaitedWorker, JobProgress, RoundLosses
from synergos.errors import LeaseLost
from synergos.program.log_context import in_context
from synergos.tuning.checkpoints import at_checkpoints, is_checkpoint
from synergos_ttp.control import Control
from synergos_ttp.events import (
    Event,
    JobEnded,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantNotAwaited,
    RoundDone,
    RoundJudged,
    TrainingStarted,
    WorkStarted,
)
from synergos_ttp.outcomes import Failed

log = structlog.get_logger(__name__)

Write = Callable[[Mapping[str, Any]], None]
"""Takes a progress as JSON has it."""

INTERVAL_SECONDS = 0.2
"""Least time between two writes: more than the store needs for one, less than people notice."""
_CLOSE_SECONDS = 60.0


class Progress:
    """Follows one job; what it has reported is stored when its :class:`JobEnded` returns.

    Every report holds all that is known: the losses after each number of rounds at which trials are compared
    (``checkpoints``) are in the newest one, however many reports before it were never written.

    Args:
        write: stores a progress; raises LeaseLost when the job is somebody else's.
        control: of the job, which is asked to stop when it is lost.
    """

    def __init__(self, write: Write, control: Control) -> None:
        self._writer = ProgressWriter(write, control)
        self._progress = JobProgress()
        # Who is waited for, as the record has it; beside the progress, which goes on meanwhile.
        self._awaited: dict[str, AwaitedWorker] = {}
        self._participants: dict[str, None] = {}
        self._checkpoints: dict[int, float | None] = {}
        # The newest evaluation, by round.
        self._evaluated: tuple[int, float | None] = (-1, None)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case WorkStarted(participants):
                self._report(JobProgress(fraction=0.0, participants=list(participants)))
            case ParticipantLeftOut():
                others = self._progress.left_out or {}
                self._report(replace(self._progress, left_out={**others, event.participant: event.reason}))
            case TrainingStarted():
                self._begin(event)
            case RoundDone():
                self._report(self._of_round(event))
            case RoundJudged():
                self._judged(event)
            case ParticipantAwaited():
                self._awaited[event.participant] = _wait(event)
                self._report(self._progress)
            case ParticipantNotAwaited():
                if self._awaited.pop(event.participant, None) is not None:
                    self._report(self._progress)
            case JobEnded(outcome=outcome):
                if isinstance(outcome, Failed) and outcome.retry_in is not None:
                    self._report(replace(self._progress, last_error=outcome.error.message))
                self._writer.close()

    def _report(self, progress: JobProgress) -> None:
        self._progress = progress
        waiting = list(self._awaited.values())
        self._writer.put(replace(progress, waiting_for=waiting) if waiting else progress)

    def _begin(self, started: TrainingStarted) -> None:
        past = started.past
        if not past.train:
            return
        number = max(past.train)
        self._participants = dict.fromkeys(past.local)
        self._checkpoints = at_checkpoints(past.comparable(), number + 1)
        if past.evaluate:
            self._evaluated = max(past.evaluate.items(), key=lambda evaluated: evaluated[0])
        local = {who: losses[number] for who, losses in past.local.items() if number in losses}
        # How long the rounds before took, only those knew who ran them.
        seconds_left = None if number + 1 < started.rounds else 0.0
        self._report(self._of_round(RoundDone(number, started.rounds, past.train[number], local, {}, seconds_left)))

    def _judged(self, judged: RoundJudged) -> None:
        self._evaluated = (judged.number, judged.loss)
        # Trials of a study are compared by them, over the same rows alone.
        if is_checkpoint(judged.number + 1) and not judged.missing:
            self._checkpoints[judged.number + 1] = judged.loss
            self._report(replace(self._progress, checkpoints=self._compared()))

    def _of_round(self, done: RoundDone) -> JobProgress:
        self._participants |= dict.fromkeys(done.local)
        evaluated, loss = self._evaluated
        return JobProgress(
            round=done.number + 1,
            rounds=done.rounds,
            losses=RoundLosses(
                train=done.loss,
                evaluate=loss if evaluated == done.number - 1 else None,
                participants={who: done.local.get(who) for who in self._participants},
            ),
            checkpoints=self._compared(),
            absent=dict(done.absent),
            shortened=dict(done.shortened) or UNSET,
            fraction=(done.number + 1) / done.rounds,
            seconds_left=UNSET if done.seconds_left is None else done.seconds_left,
        )

    def _compared(self) -> dict[str, float | None]:
        return {str(number): loss for number, loss in self._checkpoints.items()}


def _wait(awaited: ParticipantAwaited) -> AwaitedWorker:
    """A wait as a job's progress has it."""
    return AwaitedWorker(
        participant=awaited.participant,
        since=awaited.since.isoformat(timespec="seconds"),
        until=awaited.until.isoformat(timespec="seconds"),
        purpose=awaited.purpose,
        reason=awaited.reason,
    )


class ProgressWriter:
    """Writes the newest of what it is given, in a thread of its own that begins with the first."""

    def __init__(self, write: Write, control: Control, interval: float = INTERVAL_SECONDS) -> None:
        self._write = write
        self._control = control
        self._interval = interval
        # Guards the newest, between the job's thread and the writer's.
        self._lock = threading.Lock()
        self._newest: JobProgress | None = None
        self._news, self._closed = threading.Event(), threading.Event()
        # Its lines are about the job, whichever participant's thread brings the first news.
        self._work = in_context(self._loop)
        self._thread: threading.Thread | None = None

    def put(self, progress: JobProgress) -> None:
        """Have something written, in place of what was not written yet."""
        with self._lock:
            self._newest = progress
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="progress", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what was put last, and end."""
        self._closed.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def _loop(self) -> None:
        while not self._closed.is_set():
            self._news.wait()
            self._news.clear()
            self._write_newest()
            self._closed.wait(self._interval)
        # What came meanwhile, or could not be written before.
        self._write_newest()

    def _write_newest(self) -> None:
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is None:
            return
        try:
            self._write(JOB_PROGRESS.write(newest))
        except LeaseLost as error:
            self._control.stop(error)
        except Exception as error:
            # Whether the job goes on its lease decides, not a record store that is away for a moment.
            log.warning("progress not stored", reason=type(error).__name__)
            with self._lock:
                self._newest = self._newest or newest
