from __future__ import annotations

import pytest

from synergos.errors import InvalidRequest
from synergos.tuning.pruners import HALVING, HYPERBAND, MEDIAN, NONE, SCHEDULERS, LearningCurve, is_hopeless, scheduler

GOOD = [LearningCurve(number, {1: 1.0 + number / 10, 2: 0.8, 4: 0.5}, is_over=True) for number in range(4)]


def at(losses: dict[int, float | None], number: int = 4) -> LearningCurve:
    return LearningCurve(number, losses)


def test_the_median_waits_for_four_trials() -> None:
    assert not is_hopeless(MEDIAN, "s", at({1: 9.0}, 3), GOOD[:3], 10)
    assert is_hopeless(MEDIAN, "s", at({1: 9.0}), GOOD, 10)
    assert not is_hopeless(MEDIAN, "s", at({1: 1.1}), GOOD, 10)


def test_the_best_so_far_of_a_trial_counts_and_not_its_newest_loss() -> None:
    assert not is_hopeless(MEDIAN, "s", at({1: 0.1, 2: 9.0}), GOOD, 10)


def test_successive_halving_lets_a_quarter_go_on() -> None:
    others = [LearningCurve(number, {1: float(number)}) for number in range(7)]

    assert not is_hopeless(HALVING, "s", at({1: 0.5}, 7), others, 10)
    assert is_hopeless(HALVING, "s", at({1: 3.5}, 7), others, 10)


def test_the_losses_of_pruned_trials_count_too() -> None:
    pruned = [LearningCurve(number, {1: 5.0 + number}, is_pruned=True) for number in range(7)]

    # Against the best alone, 4.0 would not be in the first quarter.
    assert not is_hopeless(HALVING, "s", at({1: 4.0}, 8), [LearningCurve(7, {1: 1.0}, is_over=True), *pruned], 10)
    assert is_hopeless(HALVING, "s", at({1: 4.0}, 8), [LearningCurve(7, {1: 1.0}, is_over=True)], 10)


def test_hyperband_ends_what_is_far_behind() -> None:
    others = [LearningCurve(number, {1: 1.0, 2: 0.9, 3: 0.8, 4: 0.7}, is_over=True) for number in range(20)]

    def pruned(first: float, number: int) -> bool:
        curves: list[dict[int, float | None]] = [{1: first}, {1: first, 2: first, 3: first}]
        return any(is_hopeless(HYPERBAND, "s", at(curve, number), others, 9) for curve in curves)

    # A bracket that begins with the last round prunes nothing.
    assert {pruned(9.0, number) for number in range(20, 40)} == {True, False}
    assert not any(pruned(0.1, number) for number in range(20, 40))


@pytest.mark.parametrize("pruner", [MEDIAN, HALVING, HYPERBAND])
def test_a_loss_that_is_not_finite_leaves_no_hope(pruner: str) -> None:
    assert is_hopeless(pruner, "s", at({1: 1.0, 2: None}), [], 10)


def test_nothing_is_hopeless_when_nothing_is_to_be_pruned() -> None:
    assert not is_hopeless(NONE, "s", at({1: None}), GOOD, 10)
    assert not is_hopeless(MEDIAN, "s", at({}), GOOD, 10)


def test_another_trial_without_a_finite_loss_counts_as_the_worst() -> None:
    diverged = [LearningCurve(number, {1: None}, is_over=True) for number in range(4)]

    assert not is_hopeless(MEDIAN, "s", at({1: 9.0}), diverged, 10)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("AsyncHyperBandScheduler", HALVING),
        ("ASHAScheduler", HALVING),
        ("HyperBandScheduler", HYPERBAND),
        ("MedianStoppingRule", MEDIAN),
        ("FIFOScheduler", NONE),
    ],
)
def test_names_have_their_equivalents(name: str, meaning: str) -> None:
    assert scheduler(name, "scheduler") == meaning
    assert {scheduler(own, "scheduler") for own in set(SCHEDULERS.values())} == set(SCHEDULERS.values())


@pytest.mark.parametrize("name", ["PopulationBasedTraining", "PB2", "asha"])
def test_names_without_one_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        scheduler(name, "scheduler")

    assert refused.value.field == "scheduler"
    assert name in str(refused.value)
