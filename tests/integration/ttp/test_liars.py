"""One participant of several says something else than it has learnt: it does not decide what all have learnt, and is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file

from fakes.classifiers import (
    START,
    Classifier,
    Lie,
    Seat,
    accuracy,
    error,
    honest,
    numbers_of,
    rows_of,
    times,
    towards,
)
from fakes.room import Room
from synergos.domain.trained_model import Limited
from synergos.learning.algorithms import Model, Weights
from synergos.learning.hyperparameters import Hyperparameters
from synergos_ttp.control import Control
from synergos_ttp.events import Event, ParticipantLost, RoundDone, UpdateShortened, WeightLimited
from synergos_ttp.stages.judging import mean_loss
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.stages.weighing import Weighing
from synergos_ttp.workers.session_group import Sessions

NEW = rows_of(99, 500)
TRAP = {"w": torch.linspace(5.0, -5.0, 8), "b": torch.ones(1)}
INVENTED = (90.0, 0.0)
LIES: dict[str, Lie] = {
    "twice_back": times(-2),
    "ten_times_back": times(-10),
    "900_times_back": times(-900),
    "900_times_on": times(900),
    # The mean of three is the trap itself, if all are believed.
    "trap": towards(TRAP, 3.0),
    "far_trap": towards(TRAP, 100.0),
}


def people(*lies: Lie, losses: tuple[float, float] | None = None) -> list[Classifier]:
    """Two honest participants, and one more for each lie."""
    those = [Classifier("a", rows_of(1, 60)), Classifier("b", rows_of(2, 80))]
    return [*those, *(Classifier(f"liar_{number}", rows_of(7, 60), lie, losses) for number, lie in enumerate(lies))]


def rounds_of(
    folder: Path, those: Sequence[Classifier], events: list[Event], rounds: int = 25, share: float = 1.0, **run: int
) -> Rounds:
    return Rounds(
        cast(Sessions, Room([Seat(each) for each in those], 1)),
        Hyperparameters.from_run({"algorithm": "FedAvg", "rounds": rounds, **run}),
        Model(START, list(START)),
        RoundStore(folder, "job"),
        Control(events.append),
        weighing=Weighing(share),
    )


def named(events: Sequence[Event]) -> set[str]:
    return {event.participant for event in events if isinstance(event, UpdateShortened | ParticipantLost)}


def model(rounds: Rounds) -> Weights:
    return load_file(rounds.run().global_weights)


@pytest.mark.parametrize("losses", [None, INVENTED], ids=["its_losses", "invented_losses"])
@pytest.mark.parametrize("lie", LIES)
def test_one_liar_of_three_does_not_decide_the_model_and_is_named(
    tmp_path: Path, lie: str, losses: tuple[float, float] | None
) -> None:
    events: list[Event] = []
    rounds = rounds_of(tmp_path, people(LIES[lie], losses=losses), events)

    # Honest participants reach 0.95. All but `900_times_on` leave less than 0.5 where they are believed and left in.
    assert accuracy(model(rounds), NEW) > 0.8
    assert named(events) == {"liar_0"}
    assert rounds.weighing.limited.keys() <= {"liar_0"}


@pytest.mark.parametrize("losses", [None, INVENTED], ids=["its_losses", "invented_losses"])
@pytest.mark.parametrize("honest_ones", [2, 4])
def test_who_turns_its_updates_round_is_named_and_counts_for_nothing_from_then_on(
    tmp_path: Path, honest_ones: int, losses: tuple[float, float] | None
) -> None:
    events: list[Event] = []
    those = [*people(*[honest] * (honest_ones - 2)), people(times(-1), losses=losses)[2]]
    rounds = rounds_of(tmp_path, those, events, rounds=12)

    assert accuracy(model(rounds), NEW) > 0.9
    liar = those[-1].id
    done = {event.number: set(event.shortened) for event in events if isinstance(event, RoundDone)}
    assert done == {number: {liar} if number >= 3 else set() for number in range(12)}
    assert rounds.weighing.limited[liar].least == 0


def test_who_turns_its_updates_round_and_has_most_rows_is_named(tmp_path: Path) -> None:
    those, events = people(times(-1)), list[Event]()
    those[2].data = rows_of(7, 300)

    assert accuracy(model(rounds_of(tmp_path, those, events, rounds=20)), NEW) > 0.85
    assert named(events) == {"liar_0"}


def test_whose_labels_are_the_other_way_round_has_not_lied(tmp_path: Path) -> None:
    those, events = people(honest), list[Event]()
    inputs, labels = those[2].data
    those[2].data = (inputs, 1 - labels)

    model(rounds_of(tmp_path, those, events))

    assert named(events) == set()


NUMBERS = numbers_of(99, 500)


def of_numbers(lie: Lie, losses: tuple[float, float] | None = None, scale: float = 1.0) -> list[Classifier]:
    those = [Classifier("a", numbers_of(1, 60)), Classifier("b", numbers_of(2, 80))]
    those.append(Classifier("liar_0", numbers_of(7, 60, scale), lie, losses))
    return [replace(each, labels_are_numbers=True) for each in those]


def regression_of(folder: Path, those: Sequence[Classifier], events: list[Event]) -> Weights:
    rounds = rounds_of(folder, those, events)
    rounds.weighing.has_scale = True
    return model(rounds)


@pytest.mark.parametrize("losses", [None, (9e6, 0.0), (900.0, 0.0)], ids=["its_losses", "huge_losses", "large_losses"])
@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in {"twice_back", "900_times_on"}])
def test_no_loss_that_is_invented_buys_what_decides_a_regression(
    tmp_path: Path, lie: str, losses: tuple[float, float] | None
) -> None:
    events: list[Event] = []

    found = regression_of(tmp_path, of_numbers(LIES[lie], losses), events)

    # Honest participants reach 0.09, and began with 12.
    assert error(found, NUMBERS) < 1
    assert named(events) == {"liar_0"}


def test_honest_labels_of_another_scale_count_in_full_as_long_as_the_others_are_better_off_than_before(
    tmp_path: Path,
) -> None:
    events: list[Event] = []
    regression_of(tmp_path / "four", of_numbers(honest, scale=4.0), events)
    assert named(events) == set()

    found = regression_of(tmp_path / "ten", of_numbers(honest, scale=10.0), events)
    assert named(events) == {"liar_0"}
    assert error(found, NUMBERS) < 1


def test_the_first_round_is_judged_too(tmp_path: Path) -> None:
    events: list[Event] = []

    moved = model(rounds_of(tmp_path, people(times(900)), events, rounds=1))

    [done] = [event for event in events if isinstance(event, RoundDone)]
    assert list(done.shortened) == ["liar_0"]
    assert "times as far as the others', and is shortened to 3 times" in done.shortened["liar_0"]
    usual = model(rounds_of(tmp_path / "honest", people(honest), [], rounds=1))
    assert float(torch.norm(moved["w"])) < 3 * float(torch.norm(usual["w"]))


def test_of_two_the_longer_update_is_only_kept_within_ten_times(tmp_path: Path) -> None:
    those, events = [people()[0], people(times(900))[2]], list[Event]()

    model(rounds_of(tmp_path, those, events, rounds=1))

    [done] = [event for event in events if isinstance(event, RoundDone)]
    assert "shortened to 10 times" in done.shortened["liar_0"]


def test_nobody_who_is_honest_is_shortened_whatever_its_losses(tmp_path: Path) -> None:
    events: list[Event] = []
    rounds = rounds_of(tmp_path, people(honest, losses=INVENTED), events)

    model(rounds)

    assert named(events) == set()
    assert rounds.weighing.limited == {}


def test_rows_beyond_a_share_count_no_more_and_that_is_said(tmp_path: Path) -> None:
    those, events = people(honest), list[Event]()
    those[2].claimed = 10**9
    rounds = rounds_of(tmp_path, those, events, rounds=2, share=0.5)

    found = model(rounds)

    # As many as the others have together.
    assert [event for event in events if isinstance(event, WeightLimited)] == [WeightLimited("liar_0", 10**9, 140)]
    assert rounds.weighing.limited == {"liar_0": Limited(rows=10**9, counted=140)}
    those[2].claimed = 140
    same = model(rounds_of(tmp_path / "same", those, [], rounds=2))
    assert all(torch.equal(found[name], same[name]) for name in same)


def test_evaluation_rows_beyond_a_share_do_not_decide_which_round_is_best(tmp_path: Path) -> None:
    those = people(honest)
    for each in those:
        each.has_evaluation = True
    those[2].claimed, those[2].evaluation = 10**9, 0.5
    rounds = rounds_of(tmp_path, those, [], rounds=6, share=0.5, patience=3)

    rounds.run()

    # Its loss does not move; with all of its rows the training would stop, nothing having improved.
    assert rounds.best == 5
    others = [own for who, own in rounds.history.measured[5].items() if who != "liar_0"]
    assert rounds.history.evaluate[5] == pytest.approx((140 * 0.5 + 140 * (mean_loss(others) or 0.0)) / 280)


def test_a_training_that_was_interrupted_goes_on_limiting_whom_it_limited(tmp_path: Path) -> None:
    undisturbed = rounds_of(tmp_path / "undisturbed", people(times(-10)), [], rounds=8)
    expected = undisturbed.run().global_weights.read_bytes()
    first = rounds_of(tmp_path / "resumed", people(times(-10)), [], rounds=4)
    first.run()
    resumed = rounds_of(tmp_path / "resumed", people(times(-10)), [], rounds=8)

    assert resumed.run().global_weights.read_bytes() == expected
    assert resumed.weighing.limited == undisturbed.weighing.limited
