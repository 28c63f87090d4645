"""How far updates count: by the median of the others', by steps and losses that explain more, and with what is sent beside the model."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from synergos.learning import algorithms
from synergos.learning.algorithms import ALGORITHMS
from synergos.learning.bags import Bag, Packed, Shapes
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
    # Labels of a regression may be ten times as large, and no loss explains more.
    numbers = {"a": moved(1.0), "b": moved(1.0)}
    assert judged(UpdateLimits(has_scale=True), **numbers, c=moved(29.0, fell=10.0, first=100.0)) == {}
    assert judged(UpdateLimits(has_scale=True), **numbers, c=moved(1e4, fell=1e7, first=1e8)) == {
        "c": pytest.approx(0.003)
    }


def test_whose_long_updates_the_others_only_lost_by_is_explained_by_no_loss_any_more() -> None:
    limits = UpdateLimits(has_scale=True)
    far = moved(25.0, fell=10.0, first=100.0)
    assert judged(limits, a=moved(1.0), b=moved(1.0), c=far) == {}

    # Their losses were 1 before all training; that they are driven about makes their own updates longer.
    assert judged(limits, a=moved(5.0, first=9.0), b=moved(5.0, first=9.0), c=far) == {"c": pytest.approx(0.6)}
    assert judged(limits, a=moved(1.0), b=moved(1.0), c=far) == {"c": pytest.approx(0.12)}


def test_products_of_models_that_lie_in_one_piece_are_the_same() -> None:
    shapes = Shapes({"w": (3, 2), "b": (4,)})
    flats = {who: torch.arange(10.0) * scale for who, scale in (("start", 1.0), ("a", 2.0), ("b", -3.0))}
    packed = {who: Packed(shapes, flat) for who, flat in flats.items()}
    plain: dict[str, dict[str, torch.Tensor]] = {who: dict(each) for who, each in packed.items()}

    both = [
        products(
            {who: Bag({"weights": of[who]}) for who in "ab"},
            dict.fromkeys("ab", Bag({"weights": of["start"]})),
            "weights",
        )
        for of in (packed, plain)
    ]

    # 285 is the sum of the squares up to 9: (1 · 1, 1 · -4, -4 · -4).
    assert both == [{("a", "a"): 285.0, ("a", "b"): -1140.0, ("b", "a"): -1140.0, ("b", "b"): 4560.0}] * 2


def test_products_of_updates_that_overflow_are_exact() -> None:
    ends = {"a": 3e38, "b": -3e38}
    message = Bag({"weights": {"w": torch.tensor([-3e38, 0.0])}})
    answers = {who: Bag({"weights": {"w": torch.tensor([end, 1.0])}}) for who, end in ends.items()}

    found = products(answers, dict.fromkeys(ends, message), "weights")

    assert found["a", "a"] == pytest.approx(3.6e77)
    assert found["a", "b"] == found["b", "b"] == 1.0


def test_who_goes_on_learning_may_go_as_far_as_others_once_did() -> None:
    limits = UpdateLimits()
    judged(limits, a=moved(4.0), b=moved(4.0), c=moved(4.0))

    assert judged(limits, a=moved(0.1), b=moved(0.1), c=moved(5.0)) == {}


def test_what_is_sent_beside_the_model_is_limited_as_well() -> None:
    those = {"a": moved(1.0, beside=1.0), "b": moved(1.0, beside=1.0), "c": moved(1.0, beside=900.0)}

    assert judged(UpdateLimits(), **those) == {"c": pytest.approx(3 / 900)}
    assert judged(UpdateLimits(is_corrected=True), **those) == {"c": pytest.approx(10 / 900)}


@pytest.mark.parametrize("is_corrected", [False, True])
def test_who_contradicts_its_own_losses_counts_for_nothing_whatever_the_algorithm(is_corrected: bool) -> None:
    limits, weights = UpdateLimits(is_corrected=is_corrected), dict.fromkeys("abc", 10)
    against = {(one, other): -1.0 if (one == "c") != (other == "c") else 1.0 for one in "abc" for other in "abc"}
    found = [
        limits.judge(dict.fromkeys("abc", moved(1.0, first=1.0 - 0.1 * number)), weights, lambda: against)
        for number in range(5)
    ]

    assert [{who: each.factor for who, each in one.items()} for one in found] == [{}, {}, {}, {"c": 0.0}, {"c": 0.0}]


def test_where_the_server_goes_on_where_it_went_nobody_is_held_against_its_losses() -> None:
    limits, weights = UpdateLimits(goes_where_updates_do=False), dict.fromkeys("abc", 10)
    against = {(one, other): -1.0 if (one == "c") != (other == "c") else 1.0 for one in "abc" for other in "abc"}

    for number in range(8):
        updates = dict.fromkeys("abc", moved(1.0, first=1.0 - 0.1 * number))
        assert limits.judge(updates, weights, lambda: against) == {}


@pytest.mark.parametrize("name", ALGORITHMS.names)
def test_an_algorithm_says_whether_its_model_goes_where_the_answers_do(name: str) -> None:
    assert algorithms.get(name).goes_where_answers_do == (name in {"FedAvg", "FedProx", "SCAFFOLD"})


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
