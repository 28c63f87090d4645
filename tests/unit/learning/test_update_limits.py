"""How far updates count: by the median of the others', by steps and losses that explain more, and with what is sent beside the model."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from synergos.learning.bags import Bag
from synergos.learning.shortening import products, shortened
from synergos.learning.update_gate import Lengths, Measured, lengths
from synergos.learning.update_limits import UpdateLimits


def judged(limits: UpdateLimits, **updates: Measured) -> Mapping[str, float]:
    """What is left of whose update; all go in one direction."""
    weights, along = dict.fromkeys(updates, 10), {(one, other): 1.0 for one in updates for other in updates}
    return {who: each.factor for who, each in limits.judge(updates, weights, lambda: along).items()}


def moved(length: float, *, fell: float = 0.1, steps: int = 1, beside: float = 0.0, first: float = 1.0) -> Measured:
    return Measured(10, length, True, first, first - fell, steps, beside)


def test_what_goes_farther_than_three_times_the_median_of_the_others_is_shortened_to_that() -> None:
    assert judged(UpdateLimits(), a=moved(1.0), b=moved(2.0), c=moved(4.5)) == {}
    # Others' median 1.5: 4.5 of 9.
    assert judged(UpdateLimits(), a=moved(1.0), b=moved(2.0), c=moved(9.0)) == {"c": pytest.approx(0.5)}


def test_who_makes_more_steps_or_learns_more_goes_farther() -> None:
    assert judged(UpdateLimits(), a=moved(1.0), b=moved(1.0), c=moved(23.0, steps=8)) == {}
    # The root of 4 is twice as far.
    assert judged(UpdateLimits(), a=moved(1.0), b=moved(1.0), c=moved(6.0, fell=0.4)) == {}
    # But no loss of a classification explains more than three times.
    assert judged(UpdateLimits(), a=moved(1.0), b=moved(1.0), c=moved(90.0, fell=90.0, first=90.0)) == {
        "c": pytest.approx(0.1)
    }
    # Labels of a regression may be on any scale.
    assert judged(UpdateLimits(has_scale=True), a=moved(1.0), b=moved(1.0), c=moved(1e4, fell=1e7, first=1e8)) == {}


def test_who_goes_on_learning_may_go_as_far_as_others_once_did() -> None:
    limits = UpdateLimits()
    judged(limits, a=moved(4.0), b=moved(4.0), c=moved(4.0))

    assert judged(limits, a=moved(0.1), b=moved(0.1), c=moved(5.0)) == {}


def test_what_is_sent_beside_the_model_is_limited_as_well() -> None:
    those = {"a": moved(1.0, beside=1.0), "b": moved(1.0, beside=1.0), "c": moved(1.0, beside=900.0)}

    assert judged(UpdateLimits(), **those) == {"c": pytest.approx(3 / 900)}
    assert judged(UpdateLimits(is_corrected=True), **those) == {"c": pytest.approx(10 / 900)}


def test_an_answer_has_a_length_of_the_model_and_one_of_what_is_beside() -> None:
    message = Bag({"weights": {"w": torch.tensor([1.0, 1.0]), "seen": torch.tensor(7)}})
    answer = Bag(
        {
            "weights": {"w": torch.tensor([4.0, 5.0]), "seen": torch.tensor(1000)},
            "change": {"w": torch.tensor([6.0, 8.0])},
        }
    )
    kept = Bag({"own": {"w": torch.tensor([1e9, 0.0])}})

    assert lengths(answer, kept, message, "weights") == Lengths(5.0, 10.0)


def test_half_of_an_answer_is_half_way_from_what_it_answers() -> None:
    message = Bag({"weights": {"w": torch.tensor([1.0, 1.0]), "seen": torch.tensor(7)}})
    answer = Bag(
        {"weights": {"w": torch.tensor([3.0, 5.0]), "seen": torch.tensor(10)}, "change": {"w": torch.tensor([6.0])}},
        {"steps": 4.0},
    )

    half = shortened(answer, message, 0.5)

    assert half["weights"]["w"].tolist() == [2.0, 3.0]
    assert int(half["weights"]["seen"]) == 8
    assert half["change"]["w"].tolist() == [3.0]
    assert half.numbers == {"steps": 2.0}


def test_products_are_of_what_updates_change() -> None:
    message = Bag({"weights": {"w": torch.tensor([1.0, 1.0]), "seen": torch.tensor(7)}})
    ends = {"a": [2.0, 1.0], "b": [0.0, 3.0]}
    answers = {who: Bag({"weights": {"w": torch.tensor(end), "seen": torch.tensor(9)}}) for who, end in ends.items()}

    found = products(answers, dict.fromkeys(ends, message), "weights")

    # (1, 0) and (-1, 2).
    assert found == {("a", "a"): 1.0, ("a", "b"): -1.0, ("b", "a"): -1.0, ("b", "b"): 5.0}
