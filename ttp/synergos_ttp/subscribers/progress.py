"""How far a job is, in its record: a thread of its own writes, so that no round waits for the record store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from synergos.domain.job_event import NO_NEWS, JobEvent, JobNews, RoundLoss
from synergos.domain.job_progress import JOB_PROGRESS, AwaitedWorker, JobProgress, RoundLosses, SlowTransfer
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
    ParticipantTransferred,
    ParticipantTransfers,
    ParticipantUnsealed,
    RoundDone,
    RoundJudged,
    TrainingStarted,
    WorkStarted,
)
from synergos_ttp.outcomes import Failed

log = structlog.get_logger(__name__)

Write = Callable[[Mapping[str, object] | None, JobNews], None]
"""Takes a progress as JSON has it, None where it is as before, and what has happened meanwhile."""

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
        now: the time, in UTC.
    """

    def __init__(self, write: Write, control: Control, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._writer = ProgressWriter(write, control)
        self._now = now
        self._progress = JobProgress()
        # Who is waited for, as the record has it; beside the progress, which goes on meanwhile.
        self._awaited: dict[str, AwaitedWorker] = {}
        self._transfers: dict[str, SlowTransfer] = {}
        # Who is asked unsealed, in the order in which that was seen.
        self._unsealed: dict[str, None] = {}
        self._participants: dict[str, None] = {}
        self._checkpoints: dict[int, float | None] = {}
        # The newest evaluation, by round.
        self._evaluated: tuple[int, float | None] = (-1, None)

    def tell(self, news: JobNews) -> None:
        """Have something stored with the progress that is stored next."""
        self._writer.put(None, news)

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
            case ParticipantTransfers():
                self._transfers[event.participant] = SlowTransfer(
                    participant=event.participant,
                    direction=event.direction,
                    done=event.done,
                    of=event.of,
                    rate=round(event.rate),
                )
                self._report(self._progress)
            case ParticipantTransferred():
                if self._transfers.pop(event.participant, None) is not None:
                    self._report(self._progress)
            case ParticipantUnsealed(participant):
                if participant not in self._unsealed:
                    self._unsealed[participant] = None
                    self._report(self._progress)
            case JobEnded(outcome=outcome):
                if isinstance(outcome, Failed) and outcome.retry_in is not None:
                    self._report(replace(self._progress, last_error=outcome.error.message))
                self._writer.close()

    def _report(self, progress: JobProgress) -> None:
        self._progress = progress
        waiting, unsealed = list(self._awaited.values()) or UNSET, list(self._unsealed) or UNSET
        transfers = list(self._transfers.values()) or UNSET
        updated_at = self._now().isoformat(timespec="milliseconds")
        self._writer.put(
            replace(progress, waiting_for=waiting, transfers=transfers, unsealed=unsealed, updated_at=updated_at)
        )

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
        approval=True if awaited.is_held else UNSET,
    )


@dataclass
class _Unwritten:
    """What is not stored yet; of a round only what was known of it last."""

    progress: JobProgress | None = None
    events: list[JobEvent] = field(default_factory=list)
    rounds: dict[int, RoundLoss] = field(default_factory=dict)
    past: list[RoundLoss] = field(default_factory=list)

    def add(self, progress: JobProgress | None, news: JobNews) -> None:
        """Something is to be stored, in place of the progress that was not stored yet."""
        self.progress = progress or self.progress
        self.events.extend(news.events)
        self.rounds.update({each.number: each for each in news.rounds})
        self.past.extend(news.past)

    def put_back(self, progress: JobProgress | None, news: JobNews) -> None:
        """Something that comes before all that is here could not be stored."""
        self.progress = self.progress or progress
        self.events[:0] = news.events
        self.rounds = {each.number: each for each in news.rounds} | self.rounds
        self.past[:0] = news.past

    def take(self) -> tuple[JobProgress | None, JobNews]:
        """All of it, which is not here any more."""
        taken = self.progress, JobNews(tuple(self.events), tuple(self.rounds.values()), tuple(self.past))
        self.progress = None
        self.events, self.rounds, self.past = [], {}, []
        return taken


class ProgressWriter:
    """Writes the newest progress of what it is given, and all news, in a thread of its own that begins with the first."""

    def __init__(self, write: Write, control: Control, interval: float = INTERVAL_SECONDS) -> None:
        self._write = write
        self._control = control
        self._interval = interval
        # Guards what is not written, between the job's thread and the writer's.
        self._lock = threading.Lock()
        self._unwritten = _Unwritten()
        self._news, self._closed = threading.Event(), threading.Event()
        # Its lines are about the job, whichever participant's thread brings the first news.
        self._work = in_context(self._loop)
        self._thread: threading.Thread | None = None

    def put(self, progress: JobProgress | None, news: JobNews = NO_NEWS) -> None:
        """Have a progress written, in place of what was not written yet, and news beside those that were not."""
        with self._lock:
            self._unwritten.add(progress, news)
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
            progress, news = self._unwritten.take()
        if progress is None and not news:
            return
        try:
            self._write(None if progress is None else JOB_PROGRESS.write(progress), news)
        except LeaseLost as error:
            self._control.stop(error)
        except Exception as error:
            # Whether the job goes on its lease decides, not a record store that is away for a moment.
            log.warning("progress not stored", reason=type(error).__name__)
            with self._lock:
                self._unwritten.put_back(progress, news)
