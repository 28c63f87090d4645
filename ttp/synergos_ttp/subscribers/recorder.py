"""What happens to a job and what its rounds have lost, to be kept beside it; written with its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from synergos.domain.job_event import (
    KEPT_BY_ATTEMPT,
    JobEvent,
    JobEventKind,
    JobNews,
    RoundLoss,
    is_kept,
)
from synergos.domain.loss_history import LossHistory
from synergos.tuning.checkpoints import is_checkpoint
from synergos_ttp.events import (
    Event,
    JobEnded,
    JobStarted,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantLost,
    ParticipantNotAwaited,
    ParticipantUnsealed,
    RoundDone,
    RoundJudged,
    SessionOpened,
    TrainingStarted,
    UpdateShortened,
    WeightLimited,
    WorkStarted,
)
from synergos_ttp.outcomes import Failed, Held, Interrupted

Tell = Callable[[JobNews], None]
"""Takes what is to be kept."""


class Recorder:
    """Follows one attempt at a job. Of what comes round by round it tells when it begins, and when it is over.

    Args:
        tell: takes note and returns; a round waits for nobody.
        now: the time, in UTC.
        kept: how many events it tells of, beside those that are always kept.
    """

    def __init__(
        self,
        tell: Tell,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        kept: int = KEPT_BY_ATTEMPT,
    ) -> None:
        self._tell = tell
        self._now = now
        self._left = kept
        self._absent: set[str] = set()
        self._awaited: set[str] = set()
        # Of what is told once each.
        self._told: set[tuple[JobEventKind, str]] = set()
        # The newest round, as it was told; and those that earlier attempts have committed.
        self._newest: RoundLoss | None = None
        self._past = LossHistory()

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        events = tuple(self._kept(self._events(event)))
        if news := JobNews(events, _all_kept(self._rounds(event)), _all_kept(self._past_rounds(event))):
            self._tell(news)

    def _rounds(self, event: Event) -> Iterator[RoundLoss]:
        match event:
            case RoundDone():
                self._newest = RoundLoss(event.number + 1, event.loss, None, dict(event.local), self._now())
                yield self._newest
            case RoundJudged() if self._newest is not None and self._newest.number == event.number + 1:
                self._newest = replace(self._newest, evaluate=event.loss)
                yield self._newest

    def _past_rounds(self, event: Event) -> Iterator[RoundLoss]:
        """Of what earlier attempts have committed."""
        match event:
            case TrainingStarted(past=found):
                self._past = found
                yield from (_round(found, number) for number in sorted(found.train))
            case RoundJudged() if event.number in self._past.train:
                # The last of them, which they have not measured.
                yield replace(_round(self._past, event.number), evaluate=event.loss)

    def _kept(self, events: Iterator[JobEvent]) -> Iterator[JobEvent]:
        for event in events:
            if event.kind.is_always_kept:
                yield event
            elif self._left > 0:
                self._left -= 1
                yield event if self._left else self._event(JobEventKind.MORE)

    def _events(self, event: Event) -> Iterator[JobEvent]:
        match event:
            case JobStarted(job, is_resumed):
                yield self._event(JobEventKind.TAKEN_UP, ttp=job.ttp, grid=job.grid, is_resumed=is_resumed)
            case WorkStarted(participants):
                yield self._event(JobEventKind.WORK_BEGAN, participants=list(participants))
            case TrainingStarted():
                yield self._event(
                    JobEventKind.TRAINING_BEGAN, rounds=event.rounds, after=max(event.past.train, default=-1) + 1
                )
            case SessionOpened(participant, rows):
                yield self._event(JobEventKind.SESSION_OPENED, participant, rows=dict(rows))
            case RoundDone():
                yield from self._of_round(event)
            case ParticipantLost() if event.participant not in self._absent:
                self._absent.add(event.participant)
                yield self._event(JobEventKind.ABSENT, event.participant, round=event.number + 1, reason=event.reason)
            case UpdateShortened():
                yield from self._once(
                    JobEventKind.SHORTENED, event.participant, round=event.number + 1, reason=event.reason
                )
            case WeightLimited(participant, rows, counted):
                yield from self._once(JobEventKind.WEIGHT_LIMITED, participant, rows=rows, counted=counted)
            case ParticipantLeftOut(participant, reason):
                yield self._event(JobEventKind.LEFT_OUT, participant, reason=reason)
            case ParticipantAwaited():
                yield self._await(event)
            case ParticipantNotAwaited(participant, is_back) if participant in self._awaited:
                self._awaited.remove(participant)
                yield self._event(JobEventKind.BACK if is_back else JobEventKind.GIVEN_UP, participant)
            case ParticipantUnsealed(participant):
                yield from self._once(JobEventKind.UNSEALED, participant)
            case JobEnded(outcome=Failed(error, seconds)) if seconds is not None:
                yield self._event(
                    JobEventKind.RETRIED, error.participant, seconds=seconds, error=error.message, field=error.field
                )
            case JobEnded(outcome=Held(holds)):
                for hold in holds:
                    yield self._event(JobEventKind.HELD, hold.participant)
            case JobEnded(outcome=Interrupted()):
                yield self._event(JobEventKind.INTERRUPTED)

    def _await(self, event: ParticipantAwaited) -> JobEvent:
        self._awaited.add(event.participant)
        return self._event(
            JobEventKind.AWAITED,
            event.participant,
            until=event.until.isoformat(timespec="seconds"),
            **{"for": event.purpose},
            reason=event.reason,
        )

    def _of_round(self, done: RoundDone) -> Iterator[JobEvent]:
        number = done.number + 1
        for participant in sorted(self._absent & done.local.keys()):
            self._absent.remove(participant)
            yield self._event(JobEventKind.PRESENT, participant, round=number)
        if is_checkpoint(number) or number == done.rounds:
            yield self._event(JobEventKind.ROUND_DONE, round=number, rounds=done.rounds, loss=done.loss)

    def _once(self, kind: JobEventKind, participant: str, **about: object) -> Iterator[JobEvent]:
        if (kind, participant) not in self._told:
            self._told.add((kind, participant))
            yield self._event(kind, participant, **about)

    def _event(self, kind: JobEventKind, participant: str | None = None, **about: object) -> JobEvent:
        told: Mapping[str, object] = {name: value for name, value in about.items() if value is not None}
        return JobEvent(kind, participant, told, self._now())


def _all_kept(rounds: Iterator[RoundLoss]) -> tuple[RoundLoss, ...]:
    return tuple(each for each in rounds if is_kept(each.number))


def _round(history: LossHistory, number: int) -> RoundLoss:
    """A round that an earlier attempt has committed; when, nobody has kept."""
    local = {who: own[number] for who, own in history.local.items() if number in own}
    return RoundLoss(number + 1, history.train[number], history.evaluate.get(number), local)
