"""What is said of a training is taken where it can be, and refused by name where it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from synergos.errors import GridError
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.wire.answers import Evaluation, RoundAnswer
from synergos_ttp.stages.possible_losses import PossibleLosses


def possible(**run: Any) -> PossibleLosses:
    return PossibleLosses(LayersHyperparameters.from_run({"epochs": 5, **run}))


def answer(**said: Any) -> RoundAnswer:
    whole = {"round": 0, "rows": 3, "train_loss": 0.5, "first_loss": 0.7, "epochs": 5, "evaluation": None}
    return RoundAnswer(**(whole | said))


@pytest.mark.parametrize("said", [{}, {"train_loss": 0.0}, {"train_loss": -1e-9}, {"train_loss": None}, {"epochs": 0}])
def test_what_a_training_can_come_to_is_taken(said: dict[str, Any]) -> None:
    possible().check_training("p1", answer(**said))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"train_loss": -0.1}, "p1: claims a training loss below 0, which BCELoss cannot have"),
        ({"first_loss": -1e30}, "p1: claims a first loss below 0"),
        ({"epochs": 6}, "p1: claims 6 epochs of a run that has 5"),
    ],
)
def test_what_no_training_comes_to_is_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(GridError) as refused:
        possible().check_training("p1", answer(**said))

    assert str(refused.value).startswith(reason)
    assert refused.value.participant == "p1"


def test_an_evaluation_loss_below_all_others_is_refused_before_it_decides_a_round() -> None:
    with pytest.raises(GridError, match="p1: claims an evaluation loss below 0"):
        possible(criterion="NLLLoss").check_evaluation("p1", Evaluation(3, -5.0))


@pytest.mark.parametrize("run", [{"criterion": "PoissonNLLLoss"}, {"criterion": "BCELoss", "weight": [-1.0]}])
def test_losses_that_can_be_negative_may_be(run: dict[str, Any]) -> None:
    possible(**run).check_evaluation("p1", Evaluation(3, -5.0))
