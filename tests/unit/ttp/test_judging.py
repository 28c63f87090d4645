"""Rounds are compared over the rows of the same participants, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.domain.loss_history import Measurements
from synergos_ttp.stages.judging import Judging, mean_loss


def judged(rounds: Sequence[Measurements], patience: int = 10, delta: float = 0.0) -> Judging:
    found = Judging(patience, delta)
    for number, measured in enumerate(rounds):
        found.note(number, measured)
    return found


def of(easy: float | None, hard: float | None = None) -> Measurements:
    """One round: ``hard``, who has as many rows, has not measured it where nothing is said."""
    return {"easy": (10, easy)} | ({} if hard is None else {"hard": (10, hard)})


def test_the_best_is_the_lowest_and_the_newest_of_equal_ones() -> None:
    found = judged([of(3.0), of(1.0), of(2.0), of(1.0)])

    assert found.best(range(4)) == 3
    assert found.best([0, 1, 2]) == 1


def test_a_loss_is_the_mean_over_rows() -> None:
    heavy = judged([{"a": (1, 1.0), "b": (9, 2.0)}, {"a": (1, 9.0), "b": (9, 1.0)}])

    # (1 + 18) / 10 = 1.9 and (9 + 9) / 10 = 1.8
    assert heavy.best([0, 1]) == 1
    assert mean_loss([(1, 1.0), (9, 2.0)]) == 1.9
    assert mean_loss([(1, 1.0), (9, None)]) is None
    assert mean_loss([]) is None


def test_a_round_is_no_candidate_that_somebody_has_not_measured() -> None:
    found = judged([of(1.0, 12.0), of(0.1), of(0.01), of(1.1, 10.0)])

    assert found.best(range(4)) == 3
    assert found.best([0, 1, 2]) == 0
    assert found.best([1, 2]) is None


def test_rounds_that_somebody_has_not_measured_are_no_reason_to_stop() -> None:
    waiting = [of(1.0, 12.0), of(0.1), of(0.1)]

    assert not judged(waiting, patience=2).should_stop
    assert judged([of(1.0, 12.0), of(1.0, 13.0), of(1.0, 13.0)], patience=2).should_stop


def test_who_stays_away_for_as_long_as_patience_lasts_has_left() -> None:
    rounds = [of(1.0, 12.0), of(0.9), of(0.8), of(0.7), of(0.6)]

    assert judged(rounds[:3], patience=3).best(range(3)) == 0
    # Over the rows of the one that is left, also in the rounds in which there were two.
    assert judged(rounds[:4], patience=3).best(range(4)) == 3
    assert judged([of(0.5, 12.0), *rounds[1:4]], patience=3).best(range(4)) == 0


def test_what_may_become_the_best_is_kept() -> None:
    rounds = [of(1.0, 12.0), of(1.1, 11.0), of(0.9), of(0.8), of(0.85)]

    assert judged(rounds).worth_keeping(range(5)) == {1, 3}
    assert judged(rounds[:2]).worth_keeping(range(2)) == {1}
    assert judged([]).worth_keeping([]) == set()


def test_who_comes_for_the_first_time_is_compared_from_then_on() -> None:
    found = judged([of(0.1), of(0.2), of(3.0, 5.0), of(4.0, 3.0)])

    assert found.best(range(4)) == 3


def test_a_loss_that_is_not_finite_is_no_measurement() -> None:
    found = judged([of(2.0, 4.0), {"easy": (10, 0.1), "hard": (10, None)}, of(1.0, 4.0)])

    assert found.best(range(3)) == 2
    assert judged([of(None), of(None)], patience=2).should_stop


def test_delta_decides_when_to_stop_and_not_which_is_the_best() -> None:
    found = judged([of(1.0), of(0.9), of(0.8)], patience=2, delta=0.5)

    assert found.should_stop
    assert found.best(range(3)) == 2
