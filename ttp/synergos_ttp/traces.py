"""A job as spans: all of it, its rounds, each participant's part in them, and every transfer to a participant and back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Self

from synergos.domain.job import Job
from synergos.domain.keys import RunKey
from synergos.domain.trace_context import TRACEPARENT, TraceContext
from synergos.tracing import Kind, Span, Tracer, new_span_id, now
from synergos.tracing.of_jobs import about
from synergos.tracing.span import Attribute
from synergos_ttp.events import Event, JobEnded, JobStarted, ParticipantLost, RoundDone
from synergos_ttp.outcomes import NAMES, Failed, Held, Interrupted, Lost, Outcome

_UNFINISHED = "unfinished"


class Transfer:
    """Something that a worker is asked for, until its answer has been read; a context manager that notes how it ends.

    Attributes:
        headers: what is sent with every request that belongs to it.
    """

    headers: Mapping[str, str] = MappingProxyType({})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """It is over, or it failed."""

    def note(self, received: int) -> None:
        """Take note of how many bytes were answered."""

    def keep_open(self) -> None:
        """It is not over when this block is left: it is entered again."""


NO_TRANSFER = Transfer()


class Line:
    """What one participant's worker is asked for in a job, one transfer after the other."""

    def transfer(self, what: str, sent: int, number: int | None = None) -> Transfer:
        """Begin one.

        Args:
            what: the method and what is asked for, such as ``PUT round``.
            sent: bytes.
            number: of the round that it belongs to; None for what belongs to none.
        """
        return NO_TRANSFER


class JobTrace:
    """Of a job that nobody records; it is passed on in nothing that is sent."""

    def at(self, participant: str) -> Line:
        """What one participant is asked for."""
        return NO_LINE

    def __call__(self, event: Event) -> None:
        """Take note of an event."""


NO_LINE = Line()
NO_TRACE = JobTrace()


def traces(tracer: Tracer) -> Callable[[Job], JobTrace]:
    """What makes the traces of a TTP's jobs."""

    def made(job: Job) -> JobTrace:
        if tracer.is_on:
            return _RecordedTrace(job, tracer)
        return NO_TRACE if job.trace is None else _PassedOnTrace(job.trace)

    return made


class _PassedOnTrace(JobTrace, Line, Transfer):
    """Of a job that was asked for in somebody's trace, at a TTP that records nothing: workers may."""

    def __init__(self, asked_in: TraceContext) -> None:
        self.headers = {TRACEPARENT: asked_in.header}

    def at(self, participant: str) -> Line:
        return self

    def transfer(self, what: str, sent: int, number: int | None = None) -> Transfer:
        return self


@dataclass
class _Part:
    """What a participant does in a round, or beside rounds.

    Attributes:
        end: of its last transfer so far.
        failure: what the TTP made of it in the end; None for nothing bad.
    """

    participant: str
    number: int | None
    span: TraceContext
    parent: str
    start: int
    end: int
    failure: str | None = None


@dataclass
class _Round:
    span: TraceContext
    start: int
    parts: dict[str, _Part] = field(default_factory=dict)


class _RecordedTrace(JobTrace):
    """Of a job whose spans a tracer takes. What is asked and heard comes from any thread, events from one after the other."""

    def __init__(self, job: Job, tracer: Tracer) -> None:
        self._job = job
        self._tracer = tracer
        self._span = job.span
        self._about = about(job)
        # Between the participants' threads and the job's: guards what is open.
        self._lock = threading.Lock()
        self._rounds: dict[int, _Round] = {}
        self._beside: dict[str, _Part] = {}

    def at(self, participant: str) -> Line:
        return _RecordedLine(self, participant)

    def __call__(self, event: Event) -> None:
        match event:
            case JobStarted(job=job, is_resumed=False):
                self._put_waiting(job)
            case ParticipantLost(number=number, participant=participant, cause=cause):
                self._note_lost(number, participant, cause.value)
            case RoundDone():
                self._end_round(event)
            case JobEnded():
                self._end(event.outcome)

    def part(self, participant: str, number: int | None) -> _Part:
        """What a participant does, in a round or beside them; it begins with the first transfer."""
        moment = now()
        with self._lock:
            if number is None:
                parts, parent = self._beside, self._span
            else:
                if number not in self._rounds:
                    self._rounds[number] = _Round(self._span.beneath(new_span_id()), moment)
                parts, parent = self._rounds[number].parts, self._rounds[number].span
            if participant not in parts:
                own = parent.beneath(new_span_id())
                parts[participant] = _Part(participant, number, own, parent.span_id, moment, moment)
            return parts[participant]

    def transferred(self, part: _Part, span: Span) -> None:
        """Record a transfer."""
        part.end = span.end
        self._tracer.put(span)

    def _put_waiting(self, job: Job) -> None:
        """Record how long the job has waited for its turn."""
        start, end = _nanoseconds(job.created_at), now()
        self._put("waiting", self._span.beneath(new_span_id()), self._span.span_id, start, end, {})

    def _note_lost(self, number: int, participant: str, failure: str) -> None:
        with self._lock:
            found = self._rounds.get(number)
            part = None if found is None else found.parts.get(participant)
            if part is not None:
                part.failure = failure

    def _end_round(self, done: RoundDone) -> None:
        with self._lock:
            found = self._rounds.pop(done.number, None)
        # One that an earlier process has committed is told again.
        if found is None:
            return
        told: dict[str, Attribute] = {"synergos.rounds": done.rounds, "synergos.participants": len(done.local)}
        own: Mapping[str, tuple[float, float]] = {}
        if done.seconds is not None:
            own = done.seconds.participants
            told |= {
                f"synergos.seconds.{phase}": getattr(done.seconds, phase)
                for phase in ("training", "transfer", "waiting", "averaging", "commit")
            }
        for who, part in found.parts.items():
            self._put_part(part, "answered", own.get(who))
        self._put_round(done.number, found, "committed", told)

    def _end(self, outcome: Outcome) -> None:
        with self._lock:
            rounds, self._rounds = self._rounds, {}
            beside, self._beside = self._beside, {}
        for number, found in rounds.items():
            for part in found.parts.values():
                self._put_part(part, _UNFINISHED)
            self._put_round(number, found, _UNFINISHED, {})
        for part in beside.values():
            self._put_part(part, "ended")
        if isinstance(outcome, Held | Interrupted | Lost) or (
            isinstance(outcome, Failed) and outcome.retry_in is not None
        ):
            # The attempt that is the last one will tell of all.
            return
        job = self._job
        name = "run" if isinstance(job.keys, RunKey) else "alignment"
        failure = outcome.error.kind if isinstance(outcome, Failed) else None
        parent = None if job.trace is None else job.trace.span_id
        told: dict[str, Attribute] = {"synergos.outcome": NAMES[type(outcome)], "synergos.attempts": job.attempts}
        self._put(name, self._span, parent, _nanoseconds(job.created_at), now(), told, failure)

    def _put_round(self, number: int, found: _Round, outcome: str, told: Mapping[str, Attribute]) -> None:
        of_round = {"synergos.round": number, "synergos.outcome": outcome, **told}
        failure = _UNFINISHED if outcome == _UNFINISHED else None
        self._put("round", found.span, self._span.span_id, found.start, now(), of_round, failure)

    def _put_part(self, part: _Part, outcome: str, seconds: tuple[float, float] | None = None) -> None:
        told: dict[str, Attribute] = {
            "synergos.participant": part.participant,
            "synergos.outcome": part.failure or outcome,
        }
        if part.number is not None:
            told["synergos.round"] = part.number
        if seconds is not None:
            told |= {"synergos.seconds.training": seconds[0], "synergos.seconds.transfer": seconds[1]}
        self._put("participant", part.span, part.parent, part.start, part.end, told, part.failure)

    def _put(
        self,
        name: str,
        span: TraceContext,
        parent: str | None,
        start: int,
        end: int,
        told: Mapping[str, Attribute],
        failure: str | None = None,
    ) -> None:
        self._tracer.put(Span(name, span, parent, start, end, {**self._about, **told}, failure=failure))


@dataclass(frozen=True)
class _RecordedLine(Line):
    trace: _RecordedTrace
    participant: str

    def transfer(self, what: str, sent: int, number: int | None = None) -> Transfer:
        return _RecordedTransfer(self.trace, self.trace.part(self.participant, number), what, sent)


class _RecordedTransfer(Transfer):
    """Used by one thread at a time."""

    def __init__(self, trace: _RecordedTrace, part: _Part, what: str, sent: int) -> None:
        self._trace = trace
        self._part = part
        self._what = what
        self._sent = sent
        self._received = 0
        self._span = part.span.beneath(new_span_id())
        self._start = now()
        self._is_kept_open = False
        self.headers = {TRACEPARENT: self._span.header}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_kept_open and kind is None:
            self._is_kept_open = False
            return
        part = self._part
        told: dict[str, Attribute] = {
            "synergos.participant": part.participant,
            "synergos.request": self._what,
            "synergos.bytes.sent": self._sent,
            "synergos.bytes.received": self._received,
        }
        if part.number is not None:
            told["synergos.round"] = part.number
        # Of an error its kind alone: its words may tell where a worker is.
        failure = None if kind is None else kind.__name__
        span = Span("transfer", self._span, part.span.span_id, self._start, now(), told, Kind.CLIENT, failure)
        self._trace.transferred(part, span)

    def note(self, received: int) -> None:
        self._received = received

    def keep_open(self) -> None:
        self._is_kept_open = True


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
