"""Who takes part in what, on real programs: one row is enough to be predicted, and nobody has to do what others do."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from grids.field_case import FieldCase
from grids.real_grid import RealGrid

Play = Callable[[str], FieldCase]


def test_one_labelled_row_is_predicted_with_batch_normalisation_as_one_without_label_is(play: Play) -> None:
    case = play("10-one-row-and-batch-norm")
    case.declare()
    case.align()
    case.train()

    labelled, bare = case.predict(2, "ask_one_labelled"), case.predict(2, "ask_one_unlabelled")

    scores = [{name: value for name, value in row.items() if name.startswith("score")} for row in (*labelled, *bare)]
    assert scores[0] == scores[1]
    assert float(max(scores[0].values())) == pytest.approx(0.886, abs=0.01)
    assert len(case.validate()) == 2


def test_one_sites_unusable_rows_leave_the_others_validation_alone(play: Play, field_grid: RealGrid) -> None:
    case = play("10-one-row-and-batch-norm")
    case.declare()
    case.align()
    case.train()
    shutil.rmtree(case.folder(2, "evaluate"))

    measured = case.validate()

    assert len(measured) == 1
    [job] = [
        job
        for job in field_grid.driver.jobs.read_all()["data"]
        if job["keys"].items() >= case.keys.items() and job["stage"] == "validate"
    ]
    assert job["state"] == "completed"
    assert "there is no folder" in job["progress"]["left_out"]["worker_2"]


def test_a_site_may_only_measure_and_another_bring_nothing_yet(play: Play) -> None:
    case = play("03-alone-or-together")
    case.declare()
    case.tag(2, "evaluate")

    assert case.align()["status"] == 201
    assert case.train()["success"] == 1
    assert len(case.validate()) == 2

    case.forget(2)
    assert case.align()["status"] == 201
    assert case.train()["success"] == 1
    assert len(case.validate()) == 1
    # Who declared nothing can still use what the others have trained.
    assert case.predict(2, "evaluate")
