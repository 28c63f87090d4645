"""Whose updates go against all others' while its own losses say the opposite; directions that nothing contradicts are anybody's right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from synergos.learning.contrary_updates import ContraryUpdates
from synergos.learning.update_gate import Measured

ALIKE = {"a": (1.0, 0.2), "b": (1.0, -0.2)}


def judged(
    directions: ContraryUpdates,
    losses: Mapping[str, float | None],
    updates: Mapping[str, Sequence[float]],
    weights: Mapping[str, float] | None = None,
) -> set[str]:
    """Who counts for nothing in a round that begins with these losses."""
    between = {(a, b): float(np.dot(one, two)) for a, one in updates.items() for b, two in updates.items()}
    measured = {who: Measured(10, 1.0, has_trained=True, first_loss=losses[who]) for who in updates}
    return directions.judge(measured, weights or dict.fromkeys(updates, 1.0), between)


def over(
    rounds: int, own: Sequence[float], step: float, weight: float = 1.0, others: Mapping[str, Sequence[float]] = ALIKE
) -> list[set[str]]:
    """Rounds in which the loss of ``c``, which answers the same each time, changes by so much, while the others' fall."""
    directions, weights = ContraryUpdates(), {**dict.fromkeys(others, 1.0), "c": weight}
    return [
        judged(directions, {**dict.fromkeys(others, 1.0 - 0.1 * n), "c": 1.0 + step * n}, {**others, "c": own}, weights)
        for n in range(rounds)
    ]


def test_who_fares_well_where_the_model_goes_the_other_way_is_found_after_three_rounds() -> None:
    assert over(5, (-1.0, 0.0), -0.1) == [set(), set(), set(), {"c"}, {"c"}]
    assert over(5, (-1.0, 0.0), 0.0)[3] == {"c"}


def test_who_fares_ill_there_has_other_rows() -> None:
    assert over(9, (-1.0, 0.0), 0.05) == [set()] * 9


def test_who_fares_ill_where_the_model_goes_its_way_is_found_too() -> None:
    assert over(5, (-1.0, 0.0), 0.1, weight=5.0)[3:] == [{"c"}, {"c"}]
    assert over(5, (-1.0, 0.0), -0.1, weight=5.0) == [set()] * 5


@pytest.mark.parametrize("own", [(0.0, 1.0), (1.0, 0.0), (-0.3, 1.0), (-1.9, 0.0)])
def test_what_is_not_clearly_against_the_step_is_not_judged(own: Sequence[float]) -> None:
    # The last balances the others, so that the model hardly moves.
    assert over(9, own, -0.1) == [set()] * 9


def test_nobody_is_against_others_that_do_not_agree() -> None:
    found = over(9, (-1.0, 0.0), -0.1, others={"a": (1.0, 0.2), "b": (-0.9, 0.1)})
    assert not any("c" in each for each in found)


def test_a_round_in_between_that_is_not_against_begins_anew() -> None:
    directions, found = ContraryUpdates(), []
    for number in range(9):
        own = (1.0, 0.0) if number % 3 == 2 else (-1.0, 0.0)
        found.append(judged(directions, {"a": 1.0, "b": 1.0, "c": 1.0 - 0.1 * number}, {**ALIKE, "c": own}))
    assert found == [set()] * 9


def test_who_was_found_counts_again_where_it_goes_with_the_others() -> None:
    directions = ContraryUpdates()
    for number in range(4):
        judged(directions, {"a": 1.0, "b": 1.0, "c": 1.0 - 0.1 * number}, {**ALIKE, "c": (-1.0, 0.0)})

    losses = {"a": 1.0, "b": 1.0, "c": 1.0}
    assert judged(directions, losses, {**ALIKE, "c": (1.0, 0.0)}) == set()
    assert judged(directions, losses, {**ALIKE, "c": (-1.0, 0.0)}) == {"c"}


def test_who_tells_no_losses_is_not_judged() -> None:
    directions = ContraryUpdates()
    for _ in range(6):
        assert not judged(directions, {"a": 1.0, "b": 0.5, "c": None}, {**ALIKE, "c": (-1.0, 0.0)})


def test_what_is_known_goes_on_after_an_interruption() -> None:
    directions = ContraryUpdates()
    for number in range(6):
        later = ContraryUpdates()
        later.resume(directions.state)
        directions = later
        found = judged(directions, {"a": 1.0, "b": 1.0, "c": 1.0 - 0.1 * number}, {**ALIKE, "c": (-1.0, 0.0)})
        assert found == ({"c"} if number >= 3 else set())


def test_of_many_rounds_some_are_looked_at_always_four_one_after_the_other() -> None:
    due = [number for number in range(64) if ContraryUpdates().is_due(number)]
    assert due == [*range(16), *range(16, 20), *range(32, 36), *range(48, 52)]
    directions = ContraryUpdates(found={"c"})
    assert all(directions.is_due(number) for number in range(64))
