"""A job's events as counts and durations, for whoever reads the program's metrics."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from synergos.domain.job import Job, Stage
from synergos_ttp.events import (
    Event,
    JobEnded,
    JobStarted,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantLost,
    ParticipantNotAwaited,
    RoundDone,
    RoundSeconds,
    Subscriber,
    UpdateShortened,
)
from synergos_ttp.outcomes import NAMES
from synergos_ttp.subscribers.participant_metrics import ParticipantMetrics

_PHASES = ("training", "transfer", "waiting", "averaging", "commit")
"""As :class:`~synergos_ttp.events.RoundSeconds` calls them."""
_ROUND_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)


class RunMetrics:
    """The metrics of all jobs that a TTP runs; its methods may be called by any thread.

    Args:
        participants: takes note of what is each participant's own.
    """

    def __init__(self, registry: CollectorRegistry, participants: ParticipantMetrics) -> None:
        self._participants = participants
        self._ended = Counter(
            "synergos_job_attempts",
            "Attempts at jobs that have ended, by how.",
            ["stage", "outcome"],
            registry=registry,
        )
        for stage in Stage:
            for outcome in NAMES.values():
                self._ended.labels(stage.value, outcome)
        self._job_seconds = Histogram(
            "synergos_job_seconds", "How long attempts at jobs took.", ["stage"], registry=registry, buckets=_SECONDS
        )
        self._running = Gauge("synergos_jobs_at_work", "Jobs that this program is at.", registry=registry)
        self._rounds = Counter("synergos_rounds", "Rounds that were committed.", registry=registry)
        phases = Histogram(
            "synergos_round_seconds",
            "Where the time of rounds went; a round has one of each phase.",
            ["phase"],
            registry=registry,
            buckets=_ROUND_SECONDS,
        )
        self._phases = {phase: phases.labels(phase) for phase in _PHASES}

    def of(self, job: Job) -> Subscriber:
        """What takes note of one job's events."""
        started: float | None = None
        awaited: set[str] = set()

        def note(event: Event) -> None:
            nonlocal started
            match event:
                case JobStarted():
                    started = time.monotonic()
                    self._running.inc()
                case RoundDone(seconds=seconds):
                    self._rounds.inc()
                    if seconds is not None:
                        self._note_seconds(seconds)
                case UpdateShortened(participant=participant):
                    self._participants.shortened(participant)
                case ParticipantLost(participant=participant, cause=cause):
                    self._participants.lost(participant, cause)
                case ParticipantLeftOut(participant=participant):
                    self._participants.left_out(participant)
                case ParticipantAwaited(participant=participant):
                    if participant not in awaited:
                        awaited.add(participant)
                        self._participants.awaited(participant)
                case ParticipantNotAwaited(participant=participant) if participant in awaited:
                    awaited.remove(participant)
                    self._participants.not_awaited(participant)
                # One that ended without being taken up was no attempt.
                case JobEnded(outcome=outcome) if started is not None:
                    self._running.dec()
                    self._ended.labels(job.stage.value, NAMES[type(outcome)]).inc()
                    self._job_seconds.labels(job.stage.value).observe(time.monotonic() - started)
                    # Nobody is waited for any more, however it ended.
                    for participant in awaited:
                        self._participants.not_awaited(participant)

        return note

    def _note_seconds(self, seconds: RoundSeconds) -> None:
        for phase, histogram in self._phases.items():
            histogram.observe(getattr(seconds, phase))
        self._participants.spent(seconds.participants)
