from __future__ import annotations

import math

from synergos.learning.early_stopping import EarlyStopping


def test_it_stops_after_patience_checks_without_improvement() -> None:
    stopping = EarlyStopping(patience=2, delta=0.0)

    outcomes = [(stopping.improved(loss), stopping.should_stop) for loss in (1.0, 0.5, 0.6, 0.7)]

    assert outcomes == [(True, False), (True, False), (False, False), (False, True)]


def test_an_improvement_starts_the_count_again() -> None:
    stopping = EarlyStopping(patience=2, delta=0.0)

    assert [stopping.improved(loss) for loss in (1.0, 2.0, 0.9, 2.0)] == [True, False, True, False]
    assert not stopping.should_stop


def test_an_equal_loss_is_an_improvement_without_delta_and_none_with_it() -> None:
    assert [EarlyStopping(1, 0.0).improved(1.0)] == [True]
    without, with_delta = EarlyStopping(1, 0.0), EarlyStopping(1, 0.25)

    assert [without.improved(1.0), without.improved(1.0)] == [True, True]
    assert [with_delta.improved(1.0), with_delta.improved(0.8), with_delta.improved(0.75)] == [True, False, True]


def test_a_loss_that_is_missing_or_not_finite_is_never_an_improvement() -> None:
    stopping = EarlyStopping(patience=3, delta=0.0)

    assert [stopping.improved(loss) for loss in (math.nan, None, math.inf)] == [False, False, False]
    assert stopping.should_stop
