"""Rounds of algorithms that keep something: committed with every round, given again, and the same bits after whatever death."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from fakes.federation import Federation, LeastSquares, copied, least_squares, start
from fakes.room import Room, received
from synergos.errors import SynergosError, WorkerUnreachable
from synergos.learning.algorithms import ALGORITHMS, Algorithm, Answer, Answers, Bag, Like, Local, Model, Server, Step
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.hyperparameters import Hyperparameters
from synergos.wire import Encoded, Layout, Parcel, layout_of
from synergos.wire.answers import Evaluation, RoundAnswer
from synergos_ttp.control import Control
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.workers.answer_memory import Destination
from synergos_ttp.workers.data_plane import Answered
from synergos_ttp.workers.session_group import Sessions

STATEFUL = ("FedAvgM", "FedAdam", "FedYogi", "FedAdagrad", "SCAFFOLD")


@dataclass(frozen=True)
class Deltas(FedAvg):
    """Sends what changed, in a set of its own, and keeps how often it was asked; the model it sends is no set of weights."""

    name: ClassVar[str] = "Deltas"
    paper: ClassVar[str] = "nobody, 2026"
    moves: ClassVar[str | None] = "delta"

    def asked(self, exchange: int) -> Mapping[str, Like]:
        return {"model": Like.MODEL}

    def answered(self, exchange: int) -> Mapping[str, Like]:
        return {"delta": Like.PARAMETERS}

    def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
        return Bag({"model": state["weights"]}) if step.exchange == 0 else None

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        trained = local.train(message["model"]).weights
        delta = {name: trained[name] - message["model"][name] for name in trained}
        return Answer(Bag({"delta": delta}), Bag(numbers={"asked": 1 + (kept.numbers["asked"] if kept else 0)}))

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        before = state["weights"]

        def move(name: str, here: slice, mean: Tensor) -> Tensor:
            return before[name].view(-1)[here] + mean

        return Bag({"weights": answers.mean("delta", move, into="weights")})


@dataclass(frozen=True)
class Hesitant(Deltas):
    """Moves in every third round only, and is the same state in between."""

    name: ClassVar[str] = "Hesitant"

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        return Bag(state.sets, {"round": step.round}) if step.round % 3 else super().fold(state, step, answers, server)


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with ALGORITHMS.having(Deltas), ALGORITHMS.having(Hesitant):
        yield


class Killed(BaseException):
    """What ends a process without any tidying up."""


@dataclass
class Participant:
    """Does the algorithm's part on rows of its own, and keeps nothing itself.

    Attributes:
        evaluations: by round, what the model after it is found to be worth.
        missing: the rounds it does not answer in.
        killed_in: the round over which the whole program dies.
        spoil: what is made of an answer.
    """

    id: str
    local: LeastSquares
    algorithm: Algorithm
    evaluations: Sequence[float] = ()
    missing: Sequence[int] = ()
    killed_in: int | None = None
    spoil: Mapping[int, Any] = field(default_factory=dict)
    asked: list[Step] = field(default_factory=list)
    measured: list[int] = field(default_factory=list)

    @property
    def rows(self) -> Mapping[str, int]:
        return {"train": self.local.rows, "evaluate": 10}

    @property
    def evaluated(self) -> None:
        return None

    @property
    def member(self) -> Participant:
        return self

    @property
    def tags(self) -> Mapping[str, Any]:
        return {}

    @property
    def data(self) -> Participant:
        return self

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        self.asked.append(step)
        if step.round == self.killed_in:
            raise Killed
        if step.round in self.missing:
            raise WorkerUnreachable("no sign of life", self.id)
        layout = layout_of(self.algorithm.asked(step.exchange), start(), self.algorithm.kept)
        parcel = received(message, layout)
        answer = self.algorithm.client(step, parcel.bag, parcel.kept, self.local)
        answer = self.spoil.get(step.round, lambda found: found)(answer)
        kept = None if answer.kept is None else copied(answer.kept)
        rides = "weights" in parcel.bag.sets
        said = RoundAnswer(
            round=step.round,
            rows=self.local.rows,
            train_loss=1.0,
            evaluation=self._evaluation(step.round - 1) if rides else None,
        )
        return Answered(Parcel(copied(answer.bag), kept), said)

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        self.measured.append(number)
        return self._evaluation(number)

    def _evaluation(self, number: int) -> Evaluation | None:
        return Evaluation(10, self.evaluations[number]) if 0 <= number < len(self.evaluations) else None


def participants(algorithm: str, **first: Any) -> list[Participant]:
    """Three of them; the first one is special."""
    made = Hyperparameters.from_run({"algorithm": algorithm}).make_algorithm()
    found = [Participant(name, local, made) for name, local in least_squares(3, steps=3).items()]
    return [replace(found[0], **first), *found[1:]]


def rounds_of(folder: Path, those: list[Participant], algorithm: str, model: Model | None = None, **run: Any) -> Rounds:
    hyperparameters = Hyperparameters.from_run({"algorithm": algorithm, "rounds": 5, **run})
    room = cast(Sessions, Room(those, hyperparameters.min_participants or len(those)))
    return Rounds(room, hyperparameters, model or start(), RoundStore(folder, "job"), Control())


def result(rounds: Rounds) -> Tensor:
    return load_file(rounds.run().global_weights)["w"]


@pytest.mark.parametrize("algorithm", [*STATEFUL, "Deltas"])
def test_rounds_are_what_the_algorithm_says(tmp_path: Path, algorithm: str) -> None:
    those = participants(algorithm)
    federation = Federation(those[0].algorithm, start(), {each.id: each.local for each in those})

    found = result(rounds_of(tmp_path, those, algorithm))

    assert torch.equal(found, federation.play(5)["w"])


def states_of(rounds: Rounds) -> list[Bag]:
    """The states that rounds end with, each of which is still what it was when the next one has been made of it."""
    states: list[tuple[Bag, Bag]] = []
    original = rounds._commit

    def commit(hand: Any) -> None:
        if states:
            made, copy = states[-1]
            for name, own in made.sets.items():
                assert all(torch.equal(tensor, copy[name][key]) for key, tensor in own.items())
        states.append((hand.state, copied(hand.state)))
        original(hand)

    rounds._commit = commit  # type: ignore[method-assign]
    rounds.run()
    return [made for made, _ in states]


@pytest.mark.parametrize("algorithm", [*STATEFUL, "Deltas"])
def test_a_state_is_made_in_the_memory_of_the_one_before_the_last(tmp_path: Path, algorithm: str) -> None:
    states = states_of(rounds_of(tmp_path, participants(algorithm), algorithm))

    used = {tensor.data_ptr() for state in states for own in state.sets.values() for tensor in own.values()}
    assert len(used) == 2 * len(states[0].sets)


def test_memory_that_a_state_shares_with_an_earlier_one_is_not_lent(tmp_path: Path) -> None:
    first = start()
    rounds = rounds_of(tmp_path, participants("Hesitant"), "Hesitant", first, rounds=8)

    states = states_of(rounds)

    assert [state["weights"]["w"].data_ptr() for state in states[0:3]] == [states[0]["weights"]["w"].data_ptr()] * 3
    assert torch.equal(first.weights["w"], start().weights["w"])


def test_nothing_of_the_first_model_is_kept(tmp_path: Path) -> None:
    first = start()
    weights = weakref.ref(first.weights["w"])
    rounds = rounds_of(tmp_path, participants("FedAvg"), "FedAvg", first)
    del first
    assert weights() is not None

    rounds.run()

    assert weights() is None


@pytest.mark.parametrize("algorithm", [*STATEFUL, "Deltas"])
@pytest.mark.parametrize("killed_in", [0, 1, 3])
def test_a_killed_process_changes_no_bit(tmp_path: Path, algorithm: str, killed_in: int) -> None:
    undisturbed = rounds_of(tmp_path / "undisturbed", participants(algorithm), algorithm)
    expected = result(undisturbed)
    killed = rounds_of(tmp_path / "killed", participants(algorithm, killed_in=killed_in), algorithm)
    with pytest.raises(Killed):
        killed.run()

    resumed = rounds_of(tmp_path / "killed", participants(algorithm), algorithm)

    assert torch.equal(result(resumed), expected)
    assert resumed.history == undisturbed.history


def test_what_a_lost_participant_keeps_is_given_to_it_again_also_after_a_kill(tmp_path: Path) -> None:
    run: dict[str, Any] = {"min_participants": 2}
    calm = participants("SCAFFOLD", missing=(1, 2))
    federation = Federation(calm[0].algorithm, start(), {each.id: each.local for each in calm})
    federation.play(1)
    federation.play(2, absent=[calm[0].id])
    federation.play(2)
    killed = rounds_of(tmp_path, participants("SCAFFOLD", missing=(1, 2), killed_in=3), "SCAFFOLD", **run)
    with pytest.raises(Killed):
        killed.run()

    found = result(rounds_of(tmp_path, participants("SCAFFOLD", missing=(1, 2)), "SCAFFOLD", **run))

    assert torch.equal(found, federation.weights["w"])


def test_who_never_came_counts_in_scaffolds_share(tmp_path: Path) -> None:
    """The rows of a participant without a session are those of the alignment."""

    @dataclass(frozen=True)
    class Aligned:
        id: str
        rows: Mapping[str, int]
        tags: Mapping[str, Any] = field(default_factory=dict)

    class Away(Participant):
        @property
        def rows(self) -> Mapping[str, int]:
            return {}

        @property
        def member(self) -> Any:
            return Aligned(self.id, {"train": self.local.rows})

    those = participants("SCAFFOLD")
    away = Away(those[0].id, those[0].local, those[0].algorithm, missing=range(5))
    federation = Federation(those[0].algorithm, start(), {each.id: each.local for each in those})
    federation.play(5, absent=[away.id])

    rounds = rounds_of(tmp_path, [away, *those[1:]], "SCAFFOLD", min_participants=2)

    assert torch.equal(result(rounds), federation.weights["w"])


def not_finite(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.full_like(tensor, torch.nan) for name, tensor in tensors.items()}


def spoilt_set(answer: Answer, name: str) -> Answer:
    return replace(answer, bag=Bag({**answer.bag.sets, name: not_finite(answer.bag[name])}))


def far(answer: Answer) -> Answer:
    return replace(answer, bag=Bag({"delta": {name: tensor * 1e6 for name, tensor in answer.bag["delta"].items()}}))


@pytest.mark.parametrize(
    ("algorithm", "spoil", "reason"),
    [
        ("SCAFFOLD", lambda answer: spoilt_set(answer, "weights"), "not finite"),
        ("SCAFFOLD", lambda answer: spoilt_set(answer, "control_change"), "not finite"),
        (
            "SCAFFOLD",
            lambda answer: replace(answer, kept=Bag({"control": not_finite(answer.kept["control"])})),
            "not finite",
        ),
        ("Deltas", lambda answer: spoilt_set(answer, "delta"), "not finite"),
        ("Deltas", far, "times farther than the others"),
    ],
)
def test_an_answer_that_cannot_be_right_is_left_out_whatever_it_holds(
    tmp_path: Path, algorithm: str, spoil: Any, reason: str
) -> None:
    those = participants(algorithm, spoil={1: spoil})
    federation = Federation(those[0].algorithm, start(), {each.id: each.local for each in those})
    federation.play(1)
    federation.play(1, absent=[those[0].id])
    federation.play(3)

    with pytest.raises(SynergosError, match=reason):
        rounds_of(tmp_path / "all", those, algorithm).run()
    found = result(rounds_of(tmp_path / "two", those, algorithm, min_participants=2))

    assert torch.equal(found, federation.weights["w"])


def test_a_model_that_does_not_ride_along_is_measured_by_itself(tmp_path: Path) -> None:
    those = participants("Deltas", evaluations=[4.0, 3.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    rounds = rounds_of(tmp_path, those, "Deltas", rounds=7, patience=2)

    rounds.run()

    assert those[0].measured == [0, 1, 2, 3, 4]
    # No round is run that is then discarded.
    assert [step.round for step in those[0].asked] == [0, 1, 2, 3, 4]
    assert list(rounds.history.evaluate) == [0, 1, 2, 3, 4]


def test_a_training_that_is_taken_up_is_first_measured_where_that_was_missing(tmp_path: Path) -> None:
    killed = rounds_of(tmp_path, participants("Deltas", evaluations=[2.0, 1.0, 0.5], killed_in=1), "Deltas", rounds=3)
    with pytest.raises(Killed):
        killed.run()
    those = participants("Deltas", evaluations=[2.0, 1.0, 0.5])

    rounds = rounds_of(tmp_path, those, "Deltas", rounds=3)
    rounds.run()

    assert rounds.history.evaluate == {0: 2.0, 1: 1.0, 2: 0.5}
    assert those[0].measured == [0, 1, 2]


def test_a_round_without_an_exchange_is_refused(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Silent(FedAvg):
        name: ClassVar[str] = "Silent"

        def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
            return None

    with ALGORITHMS.having(Silent), pytest.raises(SynergosError, match="Silent asks nobody anything in round 0"):
        rounds_of(tmp_path, participants("FedAvg"), "Silent").run()
