"""The rows that a participant says it evaluates on are its own, and the same in each round."""

from __future__ import annotations

from typing import Any, cast

import pytest

from synergos.domain.grid import Node
from synergos.domain.loss_history import LossHistory
from synergos.errors import GridError
from synergos.wire.answers import Evaluation
from synergos_ttp.stages.evaluation_rows import EvaluationRows
from synergos_ttp.workers.participant import JobParticipant, OpenSession

NODE = Node("p", "p.example", 5000, 8020)


def session(evaluated: int | None = None, **rows: int) -> OpenSession:
    nothing = cast(Any, None)
    return OpenSession(
        JobParticipant(NODE, {}, {}), "s", nothing, nothing, rows or {"train": 9, "evaluate": 5}, evaluated
    )


@pytest.mark.parametrize("rows", [0, 4, 5])
def test_rows_that_it_has_are_taken_in_each_round(rows: int) -> None:
    evaluated = EvaluationRows(LossHistory())
    for _ in range(3):
        evaluated.check(session(), Evaluation(rows, 0.5), is_due=True)
        evaluated.check(session(), None, is_due=True)


@pytest.mark.parametrize("rows", [6, 10**15])
def test_rows_that_it_does_not_have_are_refused(rows: int) -> None:
    with pytest.raises(GridError, match=rf"^p: claims {rows} evaluation rows and has 5$"):
        EvaluationRows(LossHistory()).check(session(), Evaluation(rows, 0.0), is_due=True)


def test_who_has_none_has_none_to_claim() -> None:
    with pytest.raises(GridError, match=r"^p: claims 1 evaluation rows and has 0$"):
        EvaluationRows(LossHistory()).check(session(train=9), Evaluation(1, 0.0), is_due=True)


def test_a_number_of_rows_that_changes_is_refused_also_in_a_training_that_is_taken_up() -> None:
    history = LossHistory()
    history.evaluated(0, 0.5, {"p": (4, 0.5)})
    with pytest.raises(GridError, match=r"^p: claims 5 evaluation rows and claimed 4 before$"):
        EvaluationRows(history).check(session(), Evaluation(5, 0.5), is_due=True)


@pytest.mark.parametrize("rows", [0, 1, 3, 5])
def test_other_rows_than_the_session_was_opened_with_are_refused_in_the_first_round_too(rows: int) -> None:
    evaluated = EvaluationRows(LossHistory())
    evaluated.check(session(4), Evaluation(4, 0.5), is_due=True)
    for each in (evaluated, EvaluationRows(LossHistory())):
        with pytest.raises(GridError, match=rf"^p: claims {rows} evaluation rows and has 4$"):
            each.check(session(4), Evaluation(rows, 0.5), is_due=True)


def test_who_has_rows_to_measure_a_model_on_measures_each_that_it_is_sent() -> None:
    evaluated = EvaluationRows(LossHistory())
    evaluated.check(session(4), None, is_due=False)
    evaluated.check(session(0), None, is_due=True)
    with pytest.raises(GridError, match=r"^p: claims no evaluation and has 4 rows for it$"):
        evaluated.check(session(4), None, is_due=True)
