"""The federated rounds of one run: weights out, updates in, the average becomes the next round's weights."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Self

import structlog
from torch import Tensor

from synergos.domain.loss_history import LossHistory
from synergos.errors import Conflict, GridError, NotSupported, SynergosError
from synergos.learning import algorithms
from synergos.learning.algorithms import Weighted
from synergos.learning.early_stopping import EarlyStopping
from synergos.learning.hyperparameters import Hyperparameters
from synergos.learning.update_gate import Measured, movement, refusals
from synergos.wire import Layout, encode
from synergos_ttp.control import Control
from synergos_ttp.events import ParticipantLost, RoundDone, RoundJudged
from synergos_ttp.stages.round_store import RoundFiles, RoundStore
from synergos_ttp.workers.data_plane import Update
from synergos_ttp.workers.participant import ParticipantSession
from synergos_ttp.workers.sessions import Sessions

log = structlog.get_logger(__name__)

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Arrived:
    """An update that has been received and measured, while others are still being waited for."""

    weighted: Weighted
    metadata: Mapping[str, Any]
    movement: float

    @classmethod
    def of(cls, participant: str, update: Update, reference: Weights) -> Self:
        """What was received, and how far it moves the model that it was trained from."""
        weighted = Weighted(participant, int(update.metadata["rows"]), update.weights)
        return cls(weighted, update.metadata, movement(update.weights, reference))


@dataclass
class Rounds:
    """The rounds of one run; those that an earlier process has committed are not run again.

    Attributes:
        sessions: the open sessions.
        weights: the global model, as a state dict; replaced round by round.
        store: where rounds are kept until the run is exported; only the best and the newest stay.
        control: told of every round when it is committed, and again when it is known how good it is.
    """

    sessions: Sessions
    hyperparameters: Hyperparameters
    weights: Weights
    store: RoundStore
    control: Control
    history: LossHistory = field(default_factory=LossHistory)

    def __post_init__(self) -> None:
        """Derive what stays the same from round to round, and take up what was committed."""
        self._layout = Layout.of(self.weights)
        if self.hyperparameters.algorithm not in {"FedAvg", "FedProx"}:
            raise NotSupported("rounds keep no state of an algorithm yet")
        self._stopper = EarlyStopping(self.hyperparameters.patience, self.hyperparameters.delta)
        self._durations: list[float] = []
        self._absent: dict[str, str] = {}
        # The newest round, while its commit may not be over.
        self._committing: RoundDone | None = None
        # The model before the newest one, whose memory can be used again; none that somebody else has made.
        self._past: Weights | None = None
        self._own: Weights | None = None
        self._first = 0
        if committed := self.store.load():
            number, self.weights, self.history = committed
            self._first = number + 1
            for loss in self.history.evaluate.values():
                self._stopper.improved(loss)

    def run(self) -> RoundFiles:
        """Run them all, or until nothing improves any more; the files of the best round.

        The best round is the one with the lowest evaluation loss; without evaluation rows anywhere, the last one.

        Raises:
            SynergosError: too few participants were left; the message names the first that failed.
            JobStopped: the job was asked to stop.
        """
        rounds = self.hyperparameters.rounds
        for number in range(self._first, rounds):
            if self.control.is_stopped:
                self._announce()
            self.control.check()
            if not self._round(number):
                log.info("stopped early", round=number - 1, best_round=self._best)
                self.store.drop(number)
                return self._ended()
        if rounds - 1 not in self.history.evaluate:
            self._settle(rounds - 1, self._evaluate(rounds - 1))
        return self._ended()

    def _round(self, number: int) -> bool:
        """One round, or no more than what tells that the one before it was the last; whether the model was replaced."""
        updates = self._train(number)
        if number:
            self._settle(number - 1, [update.metadata["evaluation"] for update in updates.values()])
            if self._stopper.should_stop:
                return False
        self._aggregate(number, updates)
        return True

    def _ended(self) -> RoundFiles:
        self._announce()
        self.store.wait()
        return self.store.files(self._best)

    @property
    def _best(self) -> int:
        """The round with the lowest evaluation loss, the newest while there is none."""
        best = self._stopper.best_round
        # The stopper counts checks, and a round that nobody could evaluate was none.
        return max(self.history.train) if best is None else list(self.history.evaluate)[best]

    def _announce(self) -> None:
        """Wait until the newest round is committed, and say so; the participants may be at the next one meanwhile."""
        if self._committing is not None:
            self.store.wait_for_commit()
            done, self._committing = self._committing, None
            self.control.publish(done)

    def _train(self, number: int) -> dict[str, Arrived]:
        """One round at all participants; the updates that may enter the average, by participant."""
        begun = time.monotonic()
        files = self.store.files(number)
        message = encode(self.weights, {"round": number})

        def train(session: ParticipantSession) -> Arrived:
            who = session.member.id
            return Arrived.of(who, session.data.train(number, message, self._layout, files.update(who)), self.weights)

        deadline = self.sessions.deadline(max(self._durations, default=None))
        outcomes = self._passed(self.sessions.attempt(train, seconds=deadline, meanwhile=self._announce))
        self._durations.append(time.monotonic() - begun)
        self._absent = {who: str(outcome) for who, outcome in outcomes.items() if isinstance(outcome, SynergosError)}
        for who, reason in self._absent.items():
            files.update(who).unlink(missing_ok=True)
            self.control.publish(ParticipantLost(number, who, reason))
        self.sessions.refuse_too_few(outcomes)
        # In order of registration, whoever answered first: the order of a sum shows in its last bit.
        found = {who: outcome for who, outcome in outcomes.items() if isinstance(outcome, Arrived)}
        return {
            session.member.id: found[session.member.id] for session in self.sessions.all if session.member.id in found
        }

    def _passed(self, outcomes: Mapping[str, Arrived | SynergosError]) -> dict[str, Arrived | SynergosError]:
        """The outcomes, with updates that cannot be right replaced by the reason."""
        measured = {
            who: Measured(outcome.weighted.rows, outcome.movement)
            for who, outcome in outcomes.items()
            if isinstance(outcome, Arrived)
        }
        rows = {session.member.id: session.rows.get("train", 0) for session in self.sessions.all}
        refused = refusals(measured, rows)
        return dict(outcomes) | {who: GridError(reason, who) for who, reason in refused.items()}

    def _evaluate(self, number: int) -> Sequence[Mapping[str, Any] | None]:
        message = encode(self.weights, {"round": number})
        outcomes = self.sessions.attempt(
            lambda session: session.data.evaluate(number, message), meanwhile=self._announce
        )
        self.sessions.refuse_too_few(outcomes)
        return [outcome for outcome in outcomes.values() if not isinstance(outcome, SynergosError)]

    def _aggregate(self, number: int, updates: Mapping[str, Arrived]) -> None:
        average = algorithms.average([update.weighted for update in updates.values()], self._past)
        self._past, self._own, self.weights = self._own, average, average
        losses = {who: update.metadata["train_loss"] for who, update in updates.items()}
        rows = [update.metadata["rows"] for update in updates.values()]
        self.history.trained(number, _mean_loss(list(zip(rows, losses.values(), strict=True))), losses)
        trained = {who: update.weighted.weights for who, update in updates.items()}
        self.store.commit(number, self.weights, trained, self.history)
        self._committing = self._done(number)

    def _settle(self, number: int, evaluations: Sequence[Mapping[str, Any] | None]) -> None:
        """Note how good round ``number`` was, and drop the rounds that are neither best nor newest."""
        measured = [(part["rows"], part["loss"]) for part in evaluations if part is not None]
        if measured:
            loss = _mean_loss(measured)
            self.history.evaluated(number, loss)
            self._stopper.improved(loss)
            self.control.publish(RoundJudged(number, self.history.evaluate[number]))
        for past in self.store.rounds():
            if past < number and past != self._best:
                self.store.drop(past)

    def _done(self, number: int) -> RoundDone:
        rounds, losses = self.hyperparameters.rounds, self.history
        return RoundDone(
            number,
            rounds,
            losses.train[number],
            {who: own[number] for who, own in losses.local.items() if number in own},
            self._absent,
            (rounds - number - 1) * fmean(self._durations),
        )


def _mean_loss(parts: Sequence[tuple[int, float | None]]) -> float | None:
    """The mean over all rows; None when a participant's loss is not finite."""
    rows = sum(count for count, _ in parts)
    if not rows:
        raise Conflict("no participant has rows to train on")
    losses = [loss * count for count, loss in parts if loss is not None]
    return sum(losses) / rows if len(losses) == len(parts) else None
