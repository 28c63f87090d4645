"""The rows that a participant says it evaluates on are its own, and the same in each round."""

from __future__ import annotations

import pytest

from synergos.domain.loss_history import LossHistory
from synergos.errors import GridError
from synergos.wire.answers import Evaluation
from synergos_ttp.stages.evaluation_rows import EvaluationRows

SESSION = {"train": 9, "evaluate": 5}


@pytest.mark.parametrize("rows", [0, 4, 5])
def test_rows_that_it_has_are_taken_in_each_round(rows: int) -> None:
    evaluated = EvaluationRows(LossHistory())
    for _ in range(3):
        evaluated.check("p", Evaluation(rows, 0.5), SESSION)
        evaluated.check("p", None, SESSION)


@pytest.mark.parametrize("rows", [6, 10**15])
def test_rows_that_it_does_not_have_are_refused(rows: int) -> None:
    with pytest.raises(GridError, match=rf"^p: claims {rows} evaluation rows and has 5$"):
        EvaluationRows(LossHistory()).check("p", Evaluation(rows, 0.0), SESSION)


def test_who_has_none_has_none_to_claim() -> None:
    with pytest.raises(GridError, match=r"^p: claims 1 evaluation rows and has 0$"):
        EvaluationRows(LossHistory()).check("p", Evaluation(1, 0.0), {"train": 9})


def test_a_number_of_rows_that_changes_is_refused_also_in_a_training_that_is_taken_up() -> None:
    history = LossHistory()
    history.evaluated(0, 0.5, {"p": (4, 0.5)})
    with pytest.raises(GridError, match=r"^p: claims 5 evaluation rows and claimed 4 before$"):
        EvaluationRows(history).check("p", Evaluation(5, 0.5), SESSION)
