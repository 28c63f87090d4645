"""Losses that stay finite can say that a training diverged all the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from synergos.domain.loss_history import LossHistory
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos_ttp.stages.divergence import Divergence


def history(*losses: float | None, other: Sequence[float] = ()) -> LossHistory:
    """The losses of ``a`` are those of all; those of ``b`` count for nothing here."""
    found = LossHistory()
    for number, loss in enumerate(losses):
        found.trained(number, loss, {"a": loss} | ({"b": other[number]} if other else {}))
    return found


def said(found: LossHistory, moved: float = 1.0, **run: object) -> str | None:
    """Of a model whose weights have the norm 2."""
    divergence = Divergence(LayersHyperparameters.from_run(run), size=2.0)
    divergence.moved(moved)
    error = divergence.in_hindsight(found)
    return None if error is None else str(error)


def begun(found: LossHistory, initial: float) -> LossHistory:
    found.initial = initial
    return found


def test_a_loss_that_only_grows_names_whose_is_largest() -> None:
    found = begun(history(2.0, 5.0, 2000.0, other=[1.0, 1.0, 1e6]), 2.0)

    assert said(found, lr=50.0, algorithm="FedAvg", rounds=4) == (
        "b: the loss has grown from 2 to 2e+03 by round 3 of 4, and never fallen; most likely lr=50 is too large"
    )


def test_a_loss_with_a_bound_has_diverged_when_the_steps_were_absurd() -> None:
    """torch's BCELoss is 100 at most; a learning rate that only oscillates gets there too."""
    found = begun(history(5.0, 55.0), 0.7)

    assert said(found, moved=3000.0) is None
    assert said(found, moved=3001.0) is not None
    assert said(begun(history(5.0, 6.9), 0.7), moved=1e9) is None


def test_a_model_that_has_learnt_something_is_what_is_exported() -> None:
    found = begun(history(3000.0, 9000.0), 2.0)
    found.evaluated(0, 1.9, {"a": (5, 1.9)})

    assert said(found) is None


@pytest.mark.parametrize(
    ("initial", "losses"),
    [
        (2.0, (2.0, 5.0, 1999.0)),
        # It has been lower than in the beginning.
        (2.0, (1.5, 5000.0)),
        # Losses below zero have no ratio.
        (-5.0, (-4.0, 8000.0)),
        (0.0, (1.0, 2.0)),
    ],
)
def test_other_losses_say_nothing(initial: float, losses: Sequence[float]) -> None:
    assert said(begun(history(*losses), initial)) is None


def test_where_nobody_tells_how_it_began_the_first_round_is_the_beginning() -> None:
    assert str(said(history(2.0, 500.0, 2000.0))).startswith("a: the loss has grown from 2 to 2e+03 by round 3 of")
    for losses in ((2.0, 500.0, 1999.0), (2.0, 1.0, 5000.0), (5000.0,)):
        assert said(history(*losses)) is None


def test_of_a_single_round_the_evaluation_is_all_there_is() -> None:
    def judged(*losses: float | None, rounds: int = 1) -> str | None:
        found = begun(history(*[2.0] * rounds), 2.0)
        found.evaluated(0, None, {f"p{index}": (5, loss) for index, loss in enumerate(losses)})
        return said(found)

    assert judged(2001.0, 7e15) is not None
    assert judged(7e15, None) is not None
    # Somebody's rows may have a value that is too large, and who trains on with a model has seen that it is none such.
    assert judged(1.9, 7e15) is None
    assert judged(7e15, rounds=2) is None


def test_an_evaluation_that_is_finite_anywhere_is_enough() -> None:
    found = history(2.0, 1.0)
    found.evaluated(0, None, {"a": (5, None), "b": (5, None)})
    assert str(said(found, lr=0.5)).startswith("a: no model of 2 rounds has a finite loss on its evaluation rows")

    found.evaluated(1, None, {"a": (5, None), "b": (5, 1.0)})
    assert said(found, lr=0.5) is None


def test_every_rate_that_could_be_too_large_is_named() -> None:
    def cause(**run: object) -> str:
        found = Divergence(LayersHyperparameters.from_run(run), size=1.0)
        return str(found.of_update("a", 0, "it is not finite", stood_still=False))

    assert cause(rounds=3, lr=0.5).endswith("in round 1 of 3; most likely lr=0.5 is too large")
    assert cause(algorithm="FedAdam", server_lr=8).endswith("most likely lr=0.001 or server_lr=8 is too large")
    assert cause(base_lr=1, max_lr=2.5).endswith("most likely lr=0.001 or max_lr=2.5 is too large")
