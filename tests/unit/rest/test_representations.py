"""The rules of showing, with records made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from synergos.orchestration.view import View
from synergos.rest.representations import represent, represent_declared, representation

NOON = datetime(2021, 9, 16, 12, 0, 3, 999, UTC)


def record(kind: str, **payload: Any) -> dict[str, Any]:
    return {"doc_id": 12, "kind": kind, "key": {"collab_id": "c"}, "created_at": NOON, **payload}


def test_nothing_said_is_nothing_shown_but_empty_text_and_lists_were_said() -> None:
    shown = represent(
        record("Project", action=None, incentives={}, universe_alignment=[], start_at="", zero=0, no=False)
    )

    assert shown == {
        "doc_id": "12",
        "kind": "Project",
        "key": {"collab_id": "c"},
        "universe_alignment": [],
        "start_at": "",
        "zero": 0,
        "no": False,
    }


@pytest.mark.parametrize("relations", [None, {}, {"Run": []}])
def test_relations_are_shown_where_there_can_be_any(relations: dict[str, list[dict[str, Any]]] | None) -> None:
    assert representation(View(record("Run"), relations)).get("relations") == relations


def test_what_hangs_under_a_record_is_shown_without_what_hangs_under_that() -> None:
    model = record("Model", **{"global": {"path": "x", "extra": 1}}, architecture=[1])
    shown: Any = representation(View(record("Run"), {"Model": [model]}))

    assert shown["relations"]["Model"] == [
        {
            "doc_id": "12",
            "kind": "Model",
            "key": {"collab_id": "c"},
            "global": {"origin": None, "path": "x", "loss_history": None},
        }
    ]


def test_curves_are_shown_of_a_validation_alone() -> None:
    figures = {"statistics": {"f_score": [0.5]}, "curves": [None], "res_path": "x"}
    validation = record("Validation", evaluate=figures, pooled=figures)

    shown: Any = representation(View(record("Run"), {"Validation": [validation]}))
    [beneath] = shown["relations"]["Validation"]

    assert represent(validation)["evaluate"] == represent(validation)["pooled"] == figures
    assert beneath["evaluate"] == beneath["pooled"] == {"statistics": {"f_score": [0.5]}, "res_path": "x"}
    assert validation["evaluate"] is figures


def test_statistics_that_are_not_there_leave_their_place() -> None:
    assert represent(record("Validation"))["evaluate"] == {"statistics": {}, "res_path": None}
    assert represent(record("Prediction", predict={"res_path": "x"}))["predict"] == {
        "statistics": {},
        "res_path": "x",
    }


def test_missing_columns_that_are_not_there_leave_their_place() -> None:
    shown = represent(record("Alignment", train={"X": [3], "y": []}))

    assert shown["train"] == {"X": [3], "y": []}
    assert shown["evaluate"] == shown["predict"] == {"X": [], "y": []}


def test_a_declared_experiment_has_a_number_and_a_time_as_the_original_wrote_it() -> None:
    shown = represent_declared(View(record("Experiment", model=[]), {"Run": []}))

    assert shown["doc_id"] == 12
    assert shown["created_at"] == "2021-09-16 12:00:03 N"
