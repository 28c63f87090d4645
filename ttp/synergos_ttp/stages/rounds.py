"""The federated rounds of one run: what the algorithm asks goes out, what is answered comes in, what came of it is committed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import InitVar, dataclass, field, replace
from functools import partial
from itertools import count

import structlog
import torch

from synergos.domain.loss_history import LossHistory, Measurements
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, Diverged, SynergosError
from synergos.learning.algorithms import WEIGHTS, Answers, Bag, Model, Reduction, Step, Weights
from synergos.learning.hyperparameters import Hyperparameters
from synergos.learning.server_training import ServerTraining
from synergos.learning.update_gate import movement
from synergos.program.log_context import about_round
from synergos.wire import Layout, Parcel, encode, layout_of
from synergos.wire.answers import Evaluation
from synergos_ttp.control import Control
from synergos_ttp.events import ParticipantLost, RoundDone, RoundJudged, UpdateShortened, WeightLimited
from synergos_ttp.stages.divergence import Divergence
from synergos_ttp.stages.evaluation_rows import EvaluationRows
from synergos_ttp.stages.exchange import Arrived, Asking, Outbox, passed
from synergos_ttp.stages.judging import Judging, mean_loss
from synergos_ttp.stages.possible_losses import PossibleLosses
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.stages.round_in_hand import InHand
from synergos_ttp.stages.round_store import RoundResult, RoundStore
from synergos_ttp.stages.round_times import RoundTimes
from synergos_ttp.stages.round_watch import RoundWatch
from synergos_ttp.stages.state_memory import StateMemory
from synergos_ttp.stages.weighing import Weighing
from synergos_ttp.workers.answer_memory import AnswerMemory
from synergos_ttp.workers.participant import OpenSession
from synergos_ttp.workers.session_group import Sessions

log = structlog.get_logger(__name__)

_SENDING_SECONDS = 1.0
"""After which a round is written although messages are still being sent: the line is slow, or somebody is away."""
_BEGINNING_SECONDS = 0.005
"""In which those who have their message begin to train: where they share a machine with the TTP, whoever got its message last
would otherwise wait for a processor until the round before is written."""


@dataclass
class Rounds:
    """The rounds of one run; those that an earlier process has committed are not run again. It runs in the job's thread.

    Attributes:
        sessions: the open sessions.
        model: the one before the first round. Nothing of it is kept when that is over, as it may be large.
        store: where rounds are kept until the run is exported; only the newest stays, and what may be the best.
        control: told of every round when it is committed, and again when it is known how good it is.
        weighing: says what each participant counts for.
    """

    sessions: Sessions
    hyperparameters: Hyperparameters
    model: InitVar[Model]
    store: RoundStore
    control: Control
    history: LossHistory = field(default_factory=LossHistory)
    weighing: Weighing = field(default_factory=Weighing)

    def __post_init__(self, model: Model) -> None:
        """Derive what stays the same from round to round, and take up what was committed."""
        self._algorithm = self.hyperparameters.make_algorithm()
        self._server = ServerTraining(self.control.check)
        self._divergence = Divergence(self.hyperparameters, movement(model.weights, None))
        self._judging = Judging(self.hyperparameters.patience, self.hyperparameters.delta)
        self._evaluators = [each.member.id for each in self.sessions.all if Purpose.EVALUATE in each.member.tags]
        self._expected: dict[int, Layout] = {}
        self._times = RoundTimes()
        self._memory = AnswerMemory()
        self._other = _other_thread()
        # The newest round that was trained.
        self._newest = -1
        # The newest round, while its commit may not be over; evaluations that no commit has with it yet.
        self._committing: tuple[RoundDone, RoundWatch] | None = None
        self._judged: dict[int, float | None] = {}
        self._outline = _outline(model)
        self._state = self._algorithm.init(replace(model, seed=self.hyperparameters.seed))
        self._kept: dict[str, Bag] = {}
        self._states = StateMemory(self._state)
        if committed := self.store.load():
            self._newest, self._state, self._kept = committed.number, committed.state, dict(committed.kept)
            self.history = committed.history
            self.weighing.resume(committed.limits, self._algorithm)
            for number, measured in self.history.measured.items():
                self._judging.note(number, self._weighed(measured))
        self._evaluated = EvaluationRows(self.history)
        self._possible = PossibleLosses(self.hyperparameters)

    def run(self) -> RoundFiles:
        """Run them all, or until nothing improves any more; the files of the best round.

        The best round is the one with the lowest evaluation loss (:class:`Judging`); without evaluation rows anywhere, the last one.

        Raises:
            SynergosError: too few participants were left; the message names the first that failed.
            Diverged: the training did, and is not to end with what was before.
            JobStopped: the job was asked to stop.
        """
        with self._other or nullcontext():
            return self._run()

    def _run(self) -> RoundFiles:
        rounds = self.hyperparameters.rounds
        for number in range(self._newest + 1, rounds):
            if self.control.is_stopped:
                self._announce()
            self.control.check()
            with about_round(number):
                goes_on = self._round(number)
            if not goes_on:
                log.info("stopped early", round=number - 1, best_round=self.best)
                self.store.drop(number)
                return self._ended()
        if rounds - 1 not in self.history.evaluate:
            self._judge(rounds - 1, self._evaluate(rounds - 1))
        return self._ended()

    def _round(self, number: int) -> bool:
        """One round, or no more than what tells that the one before it was the last; whether the model was replaced."""
        if number and not self._evaluation_rides and number - 1 not in self.history.evaluate:
            self._judge(number - 1, self._evaluate(number - 1))
            if self._judging.should_stop:
                return False
        begun, hand, spare = time.monotonic(), InHand(number, self._state), self._states.spare()
        for exchange in count():
            step = Step(number, exchange)
            messages = self._messages(step, hand)
            if not messages:
                break
            try:
                arrived = self._exchange(step, messages, hand)
            except Diverged as error:
                self._end_before(hand, error)
                return False
            if exchange == 0 and number and self._evaluation_rides:
                self._judge(number - 1, hand.evaluations)
                if self._judging.should_stop:
                    return False
            hand.take(arrived)
            averaging = time.monotonic()
            hand.state = self._algorithm.fold(hand.state, step, self._answers(arrived, spare), self._server)
            hand.watch.averaged(averaging)
            # What was lent belongs to the state that was made of it.
            spare = {}
        if exchange == 0:
            raise Conflict(f"{self._algorithm.name} asks nobody anything in round {number}")
        self._times.round(time.monotonic() - begun)
        self._commit(hand)
        return True

    def _end_before(self, hand: InHand, error: Diverged) -> None:
        """Be content with the rounds before one that diverges; raise the error when there are none, or nobody asked for that."""
        if self._may_not_diverge or self._newest < 0:
            raise error
        if hand.number - 1 not in self.history.evaluate:
            self._judge(hand.number - 1, hand.evaluations)
        log.warning("the training diverges and ends before", reason=str(error))

    @property
    def _may_not_diverge(self) -> bool:
        return self.hyperparameters.on_divergence == "fail"

    def _ended(self) -> RoundFiles:
        self._announce()
        if self._may_not_diverge and (diverged := self._divergence.in_hindsight(self.history)):
            raise diverged
        return self.store.files(self.best)

    @property
    def best(self) -> int:
        """The round with the lowest evaluation loss, the newest while there is none."""
        best = self._judging.best(self.store.rounds())
        return self._newest if best is None else best

    @property
    def _evaluation_rides(self) -> bool:
        """Whether a round's first message brings the model that is to be measured."""
        return WEIGHTS in self._algorithm.asked(0)

    def _announce(self) -> None:
        """Commit the newest round, and say so; the participants may be at the next one meanwhile."""
        begun = time.monotonic()
        self.store.catch_up()
        if self._committing is not None:
            (done, watch), self._committing = self._committing, None
            watch.committed(begun)
            with about_round(done.number):
                self.control.publish(replace(done, seconds=watch.seconds))

    def _announce_after(self, outbox: Outbox) -> None:
        # To write a round takes from the sending what it needs itself, and nobody waits for it while they train.
        outbox.wait(_SENDING_SECONDS)
        self.control.pause(_BEGINNING_SECONDS)
        self._announce()

    def _messages(self, step: Step, hand: InHand) -> dict[str, Parcel]:
        """What each participant is asked; nothing of those who are not asked, or have no part in the round any more."""
        metadata = {"round": step.round, **({"exchange": step.exchange} if step.exchange else {})}
        found = {}
        for session in self.sessions.all:
            who = session.member.id
            bag = None if who in hand.absent else self._algorithm.ask(hand.state, step, who)
            if bag is not None:
                found[who] = Parcel(bag, self._given_again(who, hand), metadata)
        return found

    def _given_again(self, who: str, hand: InHand) -> Bag | None:
        return hand.kept[who].kept if who in hand.kept else self._kept.get(who)

    def _exchange(self, step: Step, messages: Mapping[str, Parcel], hand: InHand) -> dict[str, Arrived]:
        """One exchange with those who are asked; the answers that are taken, in order of registration."""
        begun = time.monotonic()
        files, moves = self.store.files(step.round), self._algorithm.moves
        layout = self._layout(step.exchange)
        asking = Asking(step, messages, layout, files, moves, self._memory, self._evaluated, self._possible)
        needed = min(self.sessions.needed, len(messages))
        deadline = self.sessions.deadline(self._times.longest)
        found = self.sessions.attempt(
            asking,
            # Counted from 1, as a job's progress has it.
            purpose=f"round {step.round + 1}",
            seconds=deadline,
            needed=needed,
            among=messages,
            meanwhile=self._announce if asking.is_small else partial(self._announce_after, asking.outbox),
            prompt=asking if asking.is_small else None,
        )
        # Whatever becomes of its update, what a participant says of the model it was sent is as true.
        if step.exchange == 0:
            hand.evaluations = {who: each.said.evaluation for who, each in found.items() if isinstance(each, Arrived)}
        rows = {session.member.id: session.rows.get("train", 0) for session in self.sessions.all}
        outcomes, causes = passed(found, rows, step.round, self._divergence)
        self._times.exchange(time.monotonic() - begun)
        hand.watch.exchanged(begun, {who: each for who, each in found.items() if isinstance(each, Arrived)})
        lost = {who: str(outcome) for who, outcome in outcomes.items() if isinstance(outcome, SynergosError)}
        for who, reason in lost.items():
            files.answer(step.exchange, who).unlink(missing_ok=True)
            self.control.publish(ParticipantLost(step.round, who, reason, causes[who]))
        # What it answered before has been folded, and stays; nothing more is asked of it.
        hand.absent |= lost
        self.sessions.refuse_too_few(outcomes, needed)
        # In order of registration, whoever answered first: the order of a sum shows in its last bit.
        taken = {who: outcome for who, outcome in outcomes.items() if isinstance(outcome, Arrived)}
        return self._limited(step, {who: taken[who] for who in messages if who in taken}, messages, hand)

    def _limited(
        self, step: Step, taken: Mapping[str, Arrived], messages: Mapping[str, Parcel], hand: InHand
    ) -> dict[str, Arrived]:
        """The answers as they count: none decides alone what comes of all."""
        weights, new = self.weighing.weigh_training(self._rows(Purpose.TRAIN))
        for who, (rows, counted) in new.items():
            self.control.publish(WeightLimited(who, rows, counted))
        steps = self.hyperparameters.steps
        weighed = {who: each.weighing(weights[who], steps(weights[who])) for who, each in taken.items()}
        shortened = self.weighing.judge(step, weighed, messages, self._algorithm)
        for who, each in shortened.items():
            self.control.publish(UpdateShortened(step.round, who, each.reason))
            kept = self._given_again(who, hand)
            weighed[who] = weighed[who].shortened(each.factor, replace(messages[who], kept=kept))
        hand.shortened |= shortened
        return weighed

    def _rows(self, purpose: Purpose) -> dict[str, int]:
        # Of a participant that never came, only the alignment knows.
        return {
            session.member.id: session.rows.get(purpose) or session.member.rows.get(purpose, 0)
            for session in self.sessions.all
        }

    def _weighed(self, measured: Measurements) -> Measurements:
        return self.weighing.measured(measured, self._rows(Purpose.EVALUATE))

    def _answers(self, arrived: Mapping[str, Arrived], spare: Mapping[str, Weights]) -> Answers:
        rows = sum(self.weighing.weights(self._rows(Purpose.TRAIN)).values())
        replies = [each.reply for each in arrived.values()]
        return Answers(replies, rows, spare, self._algorithm.reduction is Reduction.EACH, self._other)

    def _layout(self, exchange: int) -> Layout:
        if exchange not in self._expected:
            algorithm = self._algorithm
            self._expected[exchange] = layout_of(algorithm.answered(exchange), self._outline, algorithm.kept)
        return self._expected[exchange]

    def _evaluate(self, number: int) -> Mapping[str, Evaluation | None]:
        message = encode(self._algorithm.models(self._state)["global"], {"round": number})

        def evaluate(session: OpenSession) -> Evaluation | None:
            found = session.data.evaluate(number, message)
            self._possible.check_evaluation(session.member.id, found)
            self._evaluated.check(session, found, is_due=True)
            return found

        with about_round(number):
            outcomes = self.sessions.attempt(
                evaluate,
                purpose=f"the evaluation of round {number + 1}",
                meanwhile=self._announce,
            )
        self.sessions.refuse_too_few(outcomes)
        return {who: outcome for who, outcome in outcomes.items() if not isinstance(outcome, SynergosError)}

    def _commit(self, hand: InHand) -> None:
        self._state = hand.state
        self._states.follows(self._state)
        losses = {who: loss for who, (_, loss) in hand.trained.items()}
        self.history.trained(hand.number, mean_loss(hand.trained.values()), losses)
        if hand.number == 0:
            self.history.initial = mean_loss(hand.begun.values())
        done = self._done(hand)
        self.weighing.note(hand.shortened)
        unchanged = self._kept.keys() - hand.kept.keys()
        self._kept |= {who: answer.kept for who, answer in hand.kept.items() if answer.kept is not None}
        model = self._algorithm.models(self._state)["global"]
        result = RoundResult(
            self._state,
            model,
            hand.local,
            hand.kept,
            unchanged,
            done.loss,
            done.local,
            self._judged,
            {number: self.history.measured[number] for number in self._judged},
            {number: self.history.missing.get(number, ()) for number in self._judged},
            self.history.initial,
            self.weighing.state,
        )
        begun = time.monotonic()
        self.store.commit(hand.number, result)
        hand.watch.committed(begun)
        self._newest, self._judged, self._committing = hand.number, {}, (done, hand.watch)

    def _judge(self, number: int, evaluations: Mapping[str, Evaluation | None]) -> None:
        """Note how good round ``number`` was, and drop the rounds that are not needed any more."""
        measured = {who: (part.rows, part.loss) for who, part in evaluations.items() if part is not None}
        if measured:
            missing = tuple(who for who in self._evaluators if who not in evaluations)
            self.history.evaluated(number, mean_loss(self._weighed(measured).values()), measured, missing)
            loss = self._judged[number] = self.history.evaluate[number]
            self._judging.note(number, self._weighed(self.history.measured[number]))
            with about_round(number):
                self.control.publish(RoundJudged(number, loss, missing))
        needed = self._judging.worth_keeping(self.store.rounds()) or {self.best}
        for past in self.store.rounds():
            if past < number and past not in needed:
                self.store.drop(past)

    def _done(self, hand: InHand) -> RoundDone:
        rounds, number = self.hyperparameters.rounds, hand.number
        losses = {who: own[number] for who, own in self.history.local.items() if number in own}
        left = (rounds - number - 1) * self._times.mean
        shortened = {who: each.reason for who, each in hand.shortened.items()}
        return RoundDone(number, rounds, self.history.train[number], losses, hand.absent, left, shortened)


def _other_thread() -> ThreadPoolExecutor | None:
    """A thread that averages beside the job's, when all who were waited for have answered; None where it has no core of its own, or
    torch takes several cores by itself. It begins with the first model that is large.
    """
    is_core_left = torch.get_num_threads() == 1 and len(os.sched_getaffinity(0)) > 1
    return ThreadPoolExecutor(1, "average") if is_core_left else None


def _outline(model: Model) -> Model:
    """The same without memory: names, shapes and types."""
    return replace(model, weights={name: torch.empty_like(own, device="meta") for name, own in model.weights.items()})
