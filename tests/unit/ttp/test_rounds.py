"""Rounds: weights out, updates in, the average is the next round's model; the best round is what remains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from msgspec import structs
from safetensors.torch import load_file
from structlog.contextvars import get_contextvars

from fakes.room import Room, received
from synergos.domain.tags import Purpose
from synergos.errors import Diverged, JobCancelled, SynergosError, WorkerUnreachable
from synergos.learning.algorithms import Bag, Model, Step
from synergos.learning.hyperparameters import Hyperparameters
from synergos.wire import Encoded, Layout, Parcel
from synergos.wire.answers import Evaluation, RoundAnswer
from synergos_ttp.control import Control
from synergos_ttp.events import Event, LossCause, ParticipantLost, RoundDone, RoundJudged
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.workers.answer_memory import Destination
from synergos_ttp.workers.data_plane import Answered
from synergos_ttp.workers.session_group import Sessions

START = {"w": torch.tensor([1.0, 2.0])}


@dataclass
class Participant:
    """Adds ``step`` to every weight it is sent, and measures as told."""

    id: str
    count: int
    step: float
    evaluations: Sequence[float | None] = ()
    asked: list[int] = field(default_factory=list)

    @property
    def rows(self) -> Mapping[str, int]:
        return {"train": self.count, "evaluate": 10}

    @property
    def evaluated(self) -> None:
        return None

    @property
    def member(self) -> Participant:
        return self

    @property
    def tags(self) -> Mapping[Purpose, Sequence[str]]:
        return {Purpose.EVALUATE: ["rows"]} if self.evaluations else {}

    @property
    def data(self) -> Participant:
        return self

    def _evaluation(self, number: int) -> Evaluation | None:
        return Evaluation(10, self.evaluations[number]) if 0 <= number < len(self.evaluations) else None

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        number = step.round
        self.asked.append(number)
        weights = received(message, Layout.of(START)).bag["weights"]
        said = RoundAnswer(
            round=number,
            rows=self.count,
            train_loss=self.step / (number + 1),
            evaluation=self._evaluation(number - 1),
        )
        return Answered(Parcel(Bag({"weights": {name: own + self.step for name, own in weights.items()}})), said)

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        return self._evaluation(number)


def rounds_of(folder: Path, participants: list[Participant], events: list[Event] | None = None, **run: Any) -> Rounds:
    hyperparameters = Hyperparameters.from_run({"algorithm": "FedAvg", **run})
    return Rounds(
        cast(Sessions, Room(participants, hyperparameters.min_participants or len(participants))),
        hyperparameters,
        Model(START, ["w"]),
        RoundStore(folder, "job"),
        Control((events if events is not None else []).append),
    )


def test_one_round_is_the_mean_weighted_by_rows(tmp_path: Path) -> None:
    best = rounds_of(tmp_path, [Participant("a", 1, 1.0), Participant("b", 3, 4.0)], rounds=1).run()

    # 1/4 · 1 + 3/4 · 4 = 3.25
    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 3.25)


def test_each_round_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    best = rounds_of(tmp_path, [Participant("a", 5, 1.0)], rounds=3).run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 3)
    assert torch.equal(best.updates(["a"])["a"]["w"], START["w"] + 3)


def test_the_best_round_is_what_remains(tmp_path: Path) -> None:
    best = rounds_of(tmp_path, [Participant("a", 5, 1.0, [3.0, 1.0, 2.0])], rounds=3).run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 2)


def test_rounds_stop_when_nothing_improves_any_more(tmp_path: Path) -> None:
    participant = Participant("a", 5, 1.0, [3.0, 1.0, 2.0, 2.0, 0.5])
    rounds = rounds_of(tmp_path, [participant], rounds=10, patience=2)

    best = rounds.run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 2)
    assert participant.asked == [0, 1, 2, 3, 4]
    # Round 4 was one too many, and is not in the history.
    assert list(rounds.history.train) == [0, 1, 2, 3]
    assert rounds.history.evaluate == {0: 3.0, 1: 1.0, 2: 2.0, 3: 2.0}


@dataclass
class Logging(Participant):
    """Takes note of which round its lines would be about, and of which round it was asked."""

    rounds: list[tuple[int | None, int]] = field(default_factory=list)

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        self.rounds.append((get_contextvars().get("round"), step.round))
        return super().exchange(step, message, expected, target)

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        self.rounds.append((get_contextvars().get("round"), number))
        return super().evaluate(number, weights)


def test_whatever_is_logged_of_a_round_says_which(tmp_path: Path) -> None:
    participant, told = Logging("a", 5, 1.0, [3.0, 1.0, 2.0]), list[tuple[int | None, int]]()
    rounds = rounds_of(tmp_path, [participant], rounds=3)

    def note(event: Event) -> None:
        if isinstance(event, RoundDone | RoundJudged):
            told.append((get_contextvars().get("round"), event.number))

    rounds.control.subscribe(note)
    rounds.run()

    assert [about for about, _ in participant.rounds] == [number for _, number in participant.rounds] == [0, 1, 2, 2]
    assert {about for about, _ in told} == {0, 1, 2}
    assert all(about == number for about, number in told)
    assert "round" not in get_contextvars()


def test_without_evaluation_rows_the_last_round_remains(tmp_path: Path) -> None:
    best = rounds_of(tmp_path, [Participant("a", 5, 1.0)], rounds=4, patience=1).run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 4)


def test_the_evaluation_loss_is_the_mean_over_all_rows(tmp_path: Path) -> None:
    rounds = rounds_of(
        tmp_path, [Participant("a", 1, 1.0, [2.0]), Participant("b", 3, 1.0, [4.0]), Participant("c", 1, 1.0)], rounds=1
    )

    rounds.run()

    assert rounds.history.evaluate == {0: 3.0}


def test_a_loss_that_is_not_finite_is_no_number_and_no_improvement(tmp_path: Path) -> None:
    rounds = rounds_of(tmp_path, [Participant("a", 5, 1.0, [1.0, None])], rounds=2)

    best = rounds.run()

    assert rounds.history.evaluate == {0: 1.0, 1: None}
    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 1)


def test_only_the_best_and_the_newest_round_stay_on_disk(tmp_path: Path) -> None:
    rounds_of(tmp_path, [Participant("a", 5, 1.0, [3.0, 1.0, 2.0, 2.0, 2.0])], rounds=5).run()

    kept = sorted(path.name for path in (tmp_path / ".rounds" / "job").iterdir())
    assert kept == ["committed.jsonl", "round_1", "round_4"]


def test_every_round_is_told_once_when_it_is_done_and_once_when_it_is_judged(tmp_path: Path) -> None:
    events: list[Event] = []

    rounds_of(tmp_path, [Participant("a", 1, 2.0, [5.0, 4.0]), Participant("b", 1, 4.0)], events, rounds=2).run()

    first, judged, last, end = events
    assert isinstance(first, RoundDone)
    assert (first.number, first.loss, first.local) == (0, 3.0, {"a": 2.0, "b": 4.0})
    assert first.seconds_left is not None
    assert first.seconds_left > 0
    assert judged == RoundJudged(0, 5.0)
    assert last == RoundDone(1, 2, 1.5, {"a": 1.0, "b": 2.0}, {}, 0.0)
    assert end == RoundJudged(1, 4.0)


def test_a_round_that_is_told_of_is_committed(tmp_path: Path) -> None:
    committed: list[tuple[int, int]] = []

    def look(event: Event) -> None:
        if isinstance(event, RoundDone | RoundJudged):
            lines = (tmp_path / ".rounds" / "job" / "committed.jsonl").read_text().splitlines()
            committed.append((event.number, json.loads(lines[-1])["round"]))

    rounds = rounds_of(tmp_path, [Participant("a", 1, 2.0, [5.0, 4.0, 3.0])], rounds=3)
    rounds.control.subscribe(look)
    rounds.run()

    assert committed == [(number, number) for number in (0, 0, 1, 1, 2, 2)]


def test_a_round_that_could_not_be_committed_is_not_told_of(tmp_path: Path) -> None:
    events: list[Event] = []
    rounds = rounds_of(tmp_path, [Participant("a", 1, 2.0)], events, rounds=3)
    (rounds.store.folder / "committed.jsonl").mkdir()  # where the commit would write a file

    with pytest.raises(IsADirectoryError):
        rounds.run()

    assert events == []


def test_a_job_that_is_stopped_says_first_what_it_has_done(tmp_path: Path) -> None:
    class Stopping(Participant):
        def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
            rounds.control.stop(JobCancelled("cancelled on request"))
            return super().exchange(step, message, expected, target)

    events: list[Event] = []
    rounds = rounds_of(tmp_path, [Stopping("a", 1, 1.0)], events, rounds=3)

    with pytest.raises(JobCancelled):
        rounds.run()

    assert [event.number for event in events if isinstance(event, RoundDone)] == [0]


def test_a_participant_that_fails_ends_the_rounds(tmp_path: Path) -> None:
    class Gone(Participant):
        def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
            raise WorkerUnreachable("the connection was lost", self.id)

    with pytest.raises(WorkerUnreachable, match="b: the connection was lost"):
        rounds_of(tmp_path, [Participant("a", 1, 1.0), Gone("b", 1, 1.0)]).run()


class Bad(Participant):
    """Goes wrong in the rounds it is told to."""

    wrong: Sequence[int] = (1,)

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        answer = super().exchange(step, message, expected, target)
        if step.round in self.wrong:
            return replace(answer, parcel=Parcel(Bag({"weights": {"w": torch.tensor([float("nan"), 0.0])}})))
        return answer


def test_a_bad_update_is_left_out_of_its_round_and_the_run_goes_on(tmp_path: Path) -> None:
    events: list[Event] = []

    best = rounds_of(tmp_path, [Participant("a", 1, 1.0), Bad("b", 1, 3.0)], events, rounds=3, min_participants=1).run()

    # Rounds 0 and 2 move by (1 + 3) / 2, round 1 by a's 1 alone.
    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 5)
    reason = "b: its update has values that are not finite in round 2 of 3; most likely a step is too large"
    assert [event for event in events if isinstance(event, ParticipantLost)] == [
        ParticipantLost(1, "b", reason, LossCause.NOT_FINITE)
    ]
    assert [event.absent for event in events if isinstance(event, RoundDone)] == [{}, {"b": reason}, {}]
    assert all(event.seconds for event in events if isinstance(event, RoundDone))


def away(participant: Participant, rounds: Sequence[int]) -> Participant:
    """The same, but for the rounds in which its worker does not answer."""

    class Away(Participant):
        def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
            if step.round in rounds:
                raise WorkerUnreachable("no answer", self.id)
            return super().exchange(step, message, expected, target)

    return Away(participant.id, participant.count, participant.step, participant.evaluations)


def test_a_round_that_somebody_did_not_measure_does_not_win_for_it(tmp_path: Path) -> None:
    """The rows of ``hard`` are difficult; it is away in the rounds that measure the models of rounds 2 to 4."""
    easy = Participant("easy", 10, 1.0, [1.0, 0.9, 0.1, 0.05, 0.01, 0.8, 0.7])
    hard = away(Participant("hard", 10, 1.0, [11.0, 10.9, 9, 9, 9, 10.8, 11.1]), [3, 4, 5])
    events: list[Event] = []
    rounds = rounds_of(tmp_path, [easy, hard], events, rounds=7, min_participants=1)

    rounds.run()

    # Round 5: (0.8 + 10.8) / 2 is the lowest of those that both have measured.
    assert rounds.best == 5
    assert rounds.history.evaluate == pytest.approx({0: 6.0, 1: 5.9, 2: 0.1, 3: 0.05, 4: 0.01, 5: 5.8, 6: 5.9})
    judged = {event.number: event.missing for event in events if isinstance(event, RoundJudged)}
    assert judged == {0: (), 1: (), 2: ("hard",), 3: ("hard",), 4: ("hard",), 5: (), 6: ()}


def test_it_is_known_after_a_kill_who_measured_which_round(tmp_path: Path) -> None:
    def members() -> list[Participant]:
        easy = Participant("easy", 10, 1.0, [1.0, 0.9, 0.1, 0.05, 0.8, 0.8])
        return [easy, away(Participant("hard", 10, 1.0, [11.0, 10.9, 9, 9, 10.8, 11.1]), [3, 4])]

    first = rounds_of(tmp_path / "killed", members(), rounds=5, min_participants=1)
    first.run()
    undisturbed = rounds_of(tmp_path / "undisturbed", members(), rounds=6, min_participants=1)
    undisturbed.run()

    resumed = rounds_of(tmp_path / "killed", members(), rounds=6, min_participants=1)
    resumed.run()

    assert resumed.best == undisturbed.best == 4
    assert resumed.history == undisturbed.history
    assert resumed.history.comparable().keys() == {0, 1, 4, 5}


def test_the_evaluation_of_a_participant_counts_whose_update_is_refused(tmp_path: Path) -> None:
    members = [Participant("a", 1, 1.0, [2.0, 2.0, 2.0]), Bad("b", 1, 3.0, [8.0, 4.0, 6.0])]
    rounds = rounds_of(tmp_path, members, rounds=3, min_participants=1)

    rounds.run()

    assert rounds.history.evaluate == {0: 5.0, 1: 3.0, 2: 4.0}
    assert rounds.history.missing == {}


def test_the_best_round_has_the_lowest_loss_whatever_counts_as_an_improvement(tmp_path: Path) -> None:
    losses = [1.97, 1.9, 1.85, 1.8, 1.78, 1.7513]
    rounds = rounds_of(tmp_path, [Participant("a", 5, 1.0, losses)], rounds=25, patience=5, delta=0.5)

    rounds.run()

    # No loss was lower than 1.97 by 0.5, so five rounds later it was over.
    assert (rounds.best, list(rounds.history.evaluate)) == (5, [0, 1, 2, 3, 4, 5])


def test_a_bad_update_ends_the_rounds_when_everybody_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SynergosError, match="b: its update has values that are not finite"):
        rounds_of(tmp_path, [Participant("a", 1, 1.0), Bad("b", 1, 3.0)], rounds=3).run()


def test_a_participant_that_claims_rows_it_does_not_have_is_left_out(tmp_path: Path) -> None:
    class Boaster(Participant):
        @property
        def rows(self) -> Mapping[str, int]:
            return {"train": 3}

    best = rounds_of(
        tmp_path, [Participant("a", 1, 1.0), Boaster("b", 10**12, 3.0)], rounds=1, min_participants=1
    ).run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 1)


def test_evaluation_rows_that_a_participant_does_not_have_decide_nothing(tmp_path: Path) -> None:
    class Boaster(Participant):
        def _evaluation(self, number: int) -> Evaluation | None:
            # A loss of nothing once, and large ones ever after: it would choose the first round and end the training.
            return Evaluation(10**15, 0.0 if number == 0 else 1.0)

    honest = Participant("a", 1, 1.0, [5.0, 4.0, 3.0, 2.0])
    liar = Boaster("b", 1, 1.0, [1.0])
    events: list[Event] = []
    rounds = rounds_of(tmp_path, [honest, liar], events, rounds=4, patience=2, min_participants=1)

    rounds.run()

    assert (rounds.best, rounds.history.evaluate) == (3, {0: 5.0, 1: 4.0, 2: 3.0, 3: 2.0})
    lost = [event for event in events if isinstance(event, ParticipantLost)]
    assert ("b: claims 1000000000000000 evaluation rows and has 10", "impossible") in {
        (event.reason, event.cause) for event in lost
    }


class Diverging(Participant):
    """Has no finite loss from a round on."""

    since: int = 2

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        answer = super().exchange(step, message, expected, target)
        lost = replace(answer, said=structs.replace(answer.said, train_loss=None))
        return lost if step.round >= self.since else answer


def test_a_training_that_diverges_fails_and_says_who_when_and_why(tmp_path: Path) -> None:
    members = [Participant("a", 1, 1.0, [1.0] * 9), Diverging("b", 1, 3.0, [1.0] * 9)]

    with pytest.raises(Diverged) as failed:
        rounds_of(tmp_path, members, rounds=5, algorithm="FedAvgM", server_lr=9.0).run()

    assert str(failed.value) == (
        "b: its training loss is not a finite number in round 3 of 5; most likely server_lr=9 is too large"
    )
    assert failed.value.participant == "b"


def test_who_cannot_make_a_first_step_has_labels_that_are_too_large(tmp_path: Path) -> None:
    still = Diverging("b", 1, 0.0)
    still.since = 0

    with pytest.raises(Diverged, match="in round 1 of 5; most likely its labels are too large, scale them"):
        rounds_of(tmp_path, [Participant("a", 1, 1.0), still], rounds=5).run()


@pytest.mark.parametrize("evaluations", [(3.0, 2.0, 9.0), ()])
def test_a_training_that_diverges_may_end_with_the_best_round_before(
    tmp_path: Path, evaluations: Sequence[float]
) -> None:
    rounds = rounds_of(tmp_path, [Diverging("a", 5, 1.0, evaluations)], rounds=9, on_divergence="stop")

    best = rounds.run()

    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 2)
    assert list(rounds.history.train) == [0, 1]
    assert rounds.history.evaluate == ({0: 3.0, 1: 2.0} if evaluations else {})


def test_there_is_nothing_to_end_with_before_the_first_round(tmp_path: Path) -> None:
    member = Diverging("a", 5, 1.0)
    member.since = 0

    with pytest.raises(Diverged):
        rounds_of(tmp_path, [member], on_divergence="stop").run()


def test_a_run_goes_on_without_those_who_diverge_when_it_may(tmp_path: Path) -> None:
    members = [Participant("a", 1, 1.0), Diverging("b", 1, 3.0)]

    best = rounds_of(tmp_path, members, rounds=3, min_participants=1).run()

    # Rounds 0 and 1 move by (1 + 3) / 2, round 2 by a's 1 alone.
    assert torch.equal(load_file(best.global_weights)["w"], START["w"] + 5)


def test_a_model_that_nobody_can_measure_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="a: no model of 1 rounds has a finite loss on its evaluation rows"):
        rounds_of(tmp_path / "one", [Participant("a", 5, 1.0, [None])], rounds=1).run()

    rounds_of(tmp_path / "two", [Participant("a", 5, 1.0, [None])], rounds=1, on_divergence="stop").run()


@pytest.mark.parametrize("killed_in", [0, 1, 2, 3])
def test_rounds_go_on_where_a_killed_process_stopped(tmp_path: Path, killed_in: int) -> None:
    class Killed(BaseException):
        """What ends a process without any tidying up."""

    class Killing(Participant):
        def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
            if step.round == killed_in:
                raise Killed
            return super().exchange(step, message, expected, target)

    evaluations = [4.0, 3.0, 2.5, 2.0]
    undisturbed = rounds_of(tmp_path / "undisturbed", [Participant("a", 3, 0.1, evaluations)], rounds=4)
    expected = undisturbed.run().global_weights.read_bytes()
    killed = rounds_of(tmp_path / "killed", [Killing("a", 3, 0.1, evaluations)], rounds=4)
    with killed.store, pytest.raises(Killed):
        killed.run()
    participant = Participant("a", 3, 0.1, evaluations)
    resumed = rounds_of(tmp_path / "killed", [participant], rounds=4)

    best = resumed.run()

    # The newest round may not have been on the disk yet; it is run again, with the same result.
    assert participant.asked in (list(range(killed_in, 4)), list(range(killed_in - 1, 4)))
    assert best.global_weights.read_bytes() == expected
    assert resumed.history == undisturbed.history


def test_a_training_whose_process_was_killed_after_its_last_round_only_has_to_be_judged(tmp_path: Path) -> None:
    evaluations = [4.0, 3.0]
    events: list[Event] = []
    first = rounds_of(tmp_path, [Participant("a", 3, 0.1, evaluations)], rounds=2)
    expected = first.run().global_weights.read_bytes()
    participant = Participant("a", 3, 0.1, evaluations)

    resumed = rounds_of(tmp_path, [participant], events, rounds=2)

    assert resumed.run().global_weights.read_bytes() == expected
    assert participant.asked == []
    assert events == [RoundJudged(1, 3.0)]


def test_rounds_end_when_the_job_is_stopped(tmp_path: Path) -> None:
    rounds = rounds_of(tmp_path, [Participant("a", 1, 1.0)])
    rounds.control.stop(JobCancelled("cancelled on request"))

    with pytest.raises(JobCancelled, match="cancelled on request"):
        rounds.run()


def test_the_same_updates_give_the_same_bytes(tmp_path: Path) -> None:
    def result(name: str) -> bytes:
        members = [Participant("a", 3, 0.1), Participant("b", 7, 0.7), Participant("c", 11, 1e-7)]
        return rounds_of(tmp_path / name, members, rounds=4).run().global_weights.read_bytes()

    first = result("first")
    shutil.rmtree(tmp_path / "first")

    assert result("second") == first
