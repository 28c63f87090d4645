"""One exchange of a round: each participant's message, its answer as it arrives, and which answers are taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from msgspec import UNSET

from synergos.errors import GridError, SynergosError
from synergos.learning.algorithms import WEIGHTS, Bag, Reply, Step
from synergos.learning.shortening import shortened
from synergos.learning.update_gate import Gauge, Measured, lengths, refusals
from synergos.wire import Encoded, Layout, Parcel, encode_parcel
from synergos.wire.answers import RoundAnswer
from synergos_ttp.events import LossCause
from synergos_ttp.stages.divergence import Divergence
from synergos_ttp.stages.evaluation_rows import EvaluationRows
from synergos_ttp.stages.possible_losses import ANY_LOSSES, PossibleLosses
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.data_plane import Answered
from synergos_ttp.workers.participant import OpenSession
from synergos_ttp.workers.small_messages import AT_ONCE_BYTES


@dataclass(frozen=True)
class Arrived:
    """An answer that has been received and measured, while others are still being waited for.

    Attributes:
        at: when that was, in monotonic seconds.
    """

    reply: Reply
    parcel: Parcel
    said: RoundAnswer
    distance: float
    beside: float = 0.0
    steps: int = 1
    at: float = field(default_factory=time.monotonic, compare=False)

    @property
    def measured(self) -> Measured:
        """What the gate is to know of it."""
        said = self.said
        first = None if said.first_loss is UNSET else said.first_loss
        return Measured(said.rows, self.distance, said.has_trained, first, said.train_loss, self.steps, self.beside)

    def weighing(self, rows: int, steps: int) -> Arrived:
        """The same, counting as so many rows, on which it has made so many steps in an epoch."""
        reply = Reply(self.reply.participant_id, rows, self.reply.bag)
        return Arrived(reply, self.parcel, self.said, self.distance, self.beside, steps, self.at)

    def shortened(self, factor: float, message: Parcel) -> Arrived:
        """The same with less of what it changes: in what it is averaged as, and in what the participant is given again.

        Args:
            message: what it answers.
        """
        reply = replace(self.reply, bag=shortened(self.parcel.bag, message.bag, factor))
        if self.parcel.kept is None:
            return replace(self, reply=reply)
        kept = shortened(self.parcel.kept, message.kept or Bag(), factor)
        return replace(self, reply=reply, parcel=Parcel(self.parcel.bag, kept, self.parcel.metadata))


class Outbox:
    """Messages that have not been sent; the participants' threads take them out."""

    def __init__(self, participants: Iterable[str]) -> None:
        self._unsent = set(participants)
        self._is_empty = threading.Event()

    def sent(self, who: str) -> None:
        """One has been, perhaps not for the first time."""
        self._unsent.discard(who)
        if not self._unsent:
            self._is_empty.set()

    def wait(self, seconds: float) -> bool:
        """Wait until all are sent, so long at most; whether they are."""
        return self._is_empty.wait(seconds)


@dataclass(frozen=True)
class Asking:
    """One exchange as each participant is asked for it, in one piece or in two.

    Attributes:
        messages: by participant.
        expected: which tensors an answer has.
        files: where answers are written that find no memory.
        moves: see :class:`synergos.learning.algorithms.Algorithm`.
        evaluated: knows how many rows each measures a model on.
        possible: knows which losses there can be; any of them by default.
    """

    step: Step
    messages: Mapping[str, Parcel]
    expected: Layout
    files: RoundFiles
    moves: str | None
    memory: AnswerMemory
    evaluated: EvaluationRows
    possible: PossibleLosses = ANY_LOSSES

    @cached_property
    def encoded(self) -> Mapping[str, Encoded]:
        """The messages as bytes."""
        return _encoded(self.messages)

    @property
    def is_small(self) -> bool:
        """Whether messages and answers are handed over at once, so that nobody is waited for."""
        return max(self.expected.largest, *(each.length for each in self.encoded.values())) <= AT_ONCE_BYTES

    @cached_property
    def outbox(self) -> Outbox:
        """Whose message is still to be sent, when each has a thread of its own."""
        return Outbox(self.messages)

    def __call__(self, session: OpenSession) -> Arrived:
        """All of it."""
        who = session.member.id
        message = replace(self.encoded[who], sent=partial(self.outbox.sent, who))
        gauge: Gauge | None = None

        def watch(parcel: Parcel) -> Callable[[int], None]:
            nonlocal gauge
            gauge = Gauge(parcel.bag, parcel.kept, self.messages[who].bag, self.moves)
            return gauge.arrived

        answer = session.data.exchange(self.step, message, self.expected, replace(self._target(who), watch=watch))
        return self._arrived(session, answer, gauge)

    def begin(self, session: OpenSession) -> int | None:
        """Send the message; see :class:`synergos_ttp.workers.small_messages.Prompt`."""
        return session.data.begin(self.step, self.encoded[session.member.id])

    def finish(self, session: OpenSession) -> Arrived | None:
        """Take the answer; see :class:`synergos_ttp.workers.small_messages.Prompt`."""
        who = session.member.id
        answer = session.data.finish(self.step, self.expected, self._target(who))
        return None if answer is None else self._arrived(session, answer)

    def _target(self, who: str) -> Destination:
        exchange, files = self.step.exchange, self.files
        return Destination(
            partial(files.answer, exchange, who), self.memory, partial(files.create_answer, exchange, who)
        )

    def _arrived(self, session: OpenSession, answer: Answered, gauge: Gauge | None = None) -> Arrived:
        who, parcel, said = session.member.id, answer.parcel, answer.said
        self.possible.check_training(who, said)
        self.possible.check_evaluation(who, said.evaluation)
        is_due = self.step.exchange == 0 and WEIGHTS in self.messages[who].bag.sets
        self.evaluated.check(session, said.evaluation, is_due=is_due)
        found = gauge.lengths if gauge else lengths(parcel.bag, parcel.kept, self.messages[who].bag, self.moves)
        return Arrived(Reply(who, said.rows, parcel.bag), parcel, said, found.moved, found.beside)


def passed(
    outcomes: Mapping[str, Arrived | SynergosError], rows: Mapping[str, int], number: int, divergence: Divergence
) -> tuple[dict[str, Arrived | SynergosError], dict[str, LossCause]]:
    """The outcomes, with answers that cannot be right replaced by the reason; and of what kind each failure is.

    Args:
        rows: how many training rows each participant has.
        number: of the round.
    """
    measured = {who: outcome.measured for who, outcome in outcomes.items() if isinstance(outcome, Arrived)}
    for each in measured.values():
        divergence.moved(each.movement)
    refused: dict[str, SynergosError] = {}
    causes = {who: LossCause.of(outcome) for who, outcome in outcomes.items() if isinstance(outcome, SynergosError)}
    for who, refusal in refusals(measured, rows).items():
        causes[who] = LossCause(refusal.fault)
        stood_still = measured[who].movement == 0
        refused[who] = (
            divergence.of_update(who, number, refusal.reason, stood_still=stood_still)
            if refusal.is_divergence
            else GridError(refusal.reason, who)
        )
    return dict(outcomes) | refused, causes


def _encoded(messages: Mapping[str, Parcel]) -> dict[str, Encoded]:
    """The messages; what several are sent alike is made once."""
    found: dict[str, Encoded] = {}
    made: list[tuple[Parcel, Encoded]] = []
    for who, message in messages.items():
        alike = next((encoded for other, encoded in made[-1:] if _are_alike(message, other)), None)
        found[who] = alike or encode_parcel(message)
        made.append((message, found[who]))
    return found


def _are_alike(one: Parcel, other: Parcel) -> bool:
    """Whether two messages hold the same tensors, not only equal ones."""
    sets, others = one.bag.sets, other.bag.sets
    return (
        one.kept is None
        and other.kept is None
        and one.bag.numbers == other.bag.numbers
        and sets.keys() == others.keys()
        and all(sets[name] is others[name] for name in sets)
    )
