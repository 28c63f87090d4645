"""What a TTP measures of each participant: its part in rounds, what its line carries, and when it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from synergos.program.metrics import Few
from synergos_ttp.events import LossCause

PARTICIPANTS = 100
"""So many are told apart unless somebody wants another number."""


class ParticipantMetrics:
    """The metrics of all participants; its methods may be called by any thread.

    Args:
        most: how many are told apart.
    """

    def __init__(self, registry: CollectorRegistry, most: int = PARTICIPANTS) -> None:
        self._names = Few(most)
        # By what stands for a participant.
        self._known: dict[str, _Own] = {}
        self._rounds = Counter(
            "synergos_participant_rounds",
            "Rounds in which a participant has answered.",
            ["participant"],
            registry=registry,
        )
        self._seconds = Counter(
            "synergos_participant_round_seconds",
            "What rounds took at each participant, and on the line to it.",
            ["participant", "phase"],
            registry=registry,
        )
        self._lost = Counter(
            "synergos_participant_losses",
            "Rounds without a participant that should have had a part.",
            ["participant", "cause"],
            registry=registry,
        )
        self._refused = Counter(
            "synergos_updates_refused",
            "Answers to rounds that were refused, by what is wrong with them.",
            ["reason"],
            registry=registry,
        )
        for cause in LossCause:
            if cause.is_refusal:
                self._refused.labels(cause.value)
        self._shortened = Counter(
            "synergos_updates_shortened",
            "Updates of which less counted than there was.",
            ["participant"],
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
        self._bytes = Counter(
            "synergos_participant_transferred_bytes",
            "Content of messages to a participant (down) and of its answers (up).",
            ["participant", "direction"],
            registry=registry,
        )

    def spent(self, participants: Mapping[str, tuple[float, float]]) -> None:
        """A round was committed.

        Args:
            participants: seconds of training and of all else until the answer was there, of those who have answered.
        """
        for each, (training, transfer) in participants.items():
            own = self._of(each)
            own.rounds.inc()
            own.training.inc(training)
            own.transfer.inc(transfer)

    def lost(self, participant: str, cause: LossCause) -> None:
        """A round goes on without one."""
        self._of(participant).lost[cause].inc()
        if cause.is_refusal:
            self._refused.labels(cause.value).inc()

    def shortened(self, participant: str) -> None:
        """Less of an update counts than there is of it."""
        self._of(participant).shortened.inc()

    def left_out(self, participant: str) -> None:
        """What is not done in rounds goes on without one."""
        self._of(participant).left_out.inc()

    def awaited(self, participant: str) -> None:
        """A job begins to wait for one."""
        self._of(participant).awaited.inc()

    def not_awaited(self, participant: str) -> None:
        """It does not any more."""
        self._of(participant).awaited.dec()

    def sent(self, participant: str, size: int, /) -> None:
        """See :class:`synergos_ttp.workers.limits.Traffic`."""
        self._of(participant).down.inc(size)

    def received(self, participant: str, size: int, /) -> None:
        """See :class:`synergos_ttp.workers.limits.Traffic`."""
        self._of(participant).up.inc(size)

    def _of(self, participant: str) -> _Own:
        """The figures of one; they are looked up once, and all begin at 0: the first of a series is no increase."""
        name = self._names.value(participant)
        # Two threads may both make them: they are the same.
        return self._known.get(name) or self._known.setdefault(name, self._made(name))

    def _made(self, name: str) -> _Own:
        return _Own(
            self._rounds.labels(name),
            self._seconds.labels(name, "training"),
            self._seconds.labels(name, "transfer"),
            self._bytes.labels(name, "down"),
            self._bytes.labels(name, "up"),
            {cause: self._lost.labels(name, cause.value) for cause in LossCause},
            self._shortened.labels(name),
            self._left_out.labels(name),
            self._awaited.labels(name),
        )


@dataclass(frozen=True)
class _Own:
    """The figures of one participant."""

    rounds: Counter
    training: Counter
    transfer: Counter
    down: Counter
    up: Counter
    lost: Mapping[LossCause, Counter]
    shortened: Counter
    left_out: Counter
    awaited: Gauge
