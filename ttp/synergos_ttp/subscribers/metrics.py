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
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned

_OUTCOMES: dict[type[Outcome], str] = {
    Completed: "completed",
    Cancelled: "cancelled",
    Pruned: "pruned",
    Failed: "failed",
    Interrupted: "interrupted",
    Lost: "lost",
}
_ROUND_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)


class RunMetrics:
    """The metrics of all jobs that a TTP runs; its methods may be called by any thread.

    Participants are told apart by their ids, which are as many as were registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "synergos_job_attempts",
            "Attempts at jobs that have ended, by how.",
            ["stage", "outcome"],
            registry=registry,
        )
        for stage in Stage:
            for outcome in _OUTCOMES.values():
                self._ended.labels(stage.value, outcome)
        self._job_seconds = Histogram(
            "synergos_job_seconds", "How long attempts at jobs took.", ["stage"], registry=registry, buckets=_SECONDS
        )
        self._running = Gauge("synergos_jobs_at_work", "Jobs that this program is at.", registry=registry)
        self._rounds = Counter("synergos_rounds", "Rounds that were committed.", registry=registry)
        self._lost = Counter(
            "synergos_participant_losses",
            "Rounds without a participant that should have had a part.",
            ["participant", "cause"],
            registry=registry,
        )
        self._shortened = Counter(
            "synergos_updates_shortened",
            "Updates of which less counted than there was.",
            ["participant"],
            registry=registry,
        )
        self._phases = Histogram(
            "synergos_round_seconds",
            "Where the time of rounds went; a round has one of each phase.",
            ["phase"],
            registry=registry,
            buckets=_ROUND_SECONDS,
        )
        self._own_seconds = Counter(
            "synergos_participant_round_seconds",
            "What rounds took at each participant, and on the line to it.",
            ["participant", "phase"],
            registry=registry,
        )
        self._left_out = Counter(
            "synergos_participant_omissions",
            "Jobs beside rounds that went on without a participant.",
            ["participant"],
            registry=registry,
        )
        self._awaited = Gauge(
            "synergos_participant_awaited",
            "Jobs that wait for a participant that is away.",
            ["participant"],
            registry=registry,
        )

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
                    self._shortened.labels(participant).inc()
                case ParticipantLost(participant=participant, is_refused=is_refused):
                    self._lost.labels(participant, "refused" if is_refused else "silent").inc()
                case ParticipantLeftOut(participant=participant):
                    self._left_out.labels(participant).inc()
                case ParticipantAwaited(participant=participant):
                    if participant not in awaited:
                        awaited.add(participant)
                        self._awaited.labels(participant).inc()
                case ParticipantNotAwaited(participant=participant) if participant in awaited:
                    awaited.remove(participant)
                    self._awaited.labels(participant).dec()
                # One that ended without being taken up was no attempt.
                case JobEnded(outcome=outcome) if started is not None:
                    self._running.dec()
                    self._ended.labels(job.stage.value, _OUTCOMES[type(outcome)]).inc()
                    self._job_seconds.labels(job.stage.value).observe(time.monotonic() - started)
                    # Nobody is waited for any more, however it ended.
                    for participant in awaited:
                        self._awaited.labels(participant).dec()

        return note

    def _note_seconds(self, seconds: RoundSeconds) -> None:
        for phase, spent in (
            ("training", seconds.training),
            ("transfer", seconds.transfer),
            ("waiting", seconds.waiting),
            ("averaging", seconds.averaging),
            ("commit", seconds.commit),
        ):
            self._phases.labels(phase).observe(spent)
        for who, (training, transfer) in seconds.participants.items():
            self._own_seconds.labels(who, "training").inc(training)
            self._own_seconds.labels(who, "transfer").inc(transfer)
