"""The catalogue: what participants publish, what uses it, where it differs, and who says nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.portal import Portal, Visitor, answering, portal

HOSTILE = "<script>alert(1)</script>"


def publication(who: str, project: str = "p", **said: Any) -> dict[str, Any]:
    key = {"collab_id": "c", "project_id": project, "participant_id": who}
    return {"kind": "Catalogue", "key": key, "extent": "schema", "folders": [], **said}


def folder(path: str, *columns: dict[str, Any], **said: Any) -> dict[str, Any]:
    whole = {"path": path.split("/"), "datatype": "tabular", "purposes": ["train"], "used_for": []}
    return {**whole, "columns": list(columns), "rows": {"about": 120}, **said}


AGE = {"name": "age", "type": "float64", "unit": "years", "is_label": False}
LABEL = {"name": "outcome", "type": "category", "unit": None, "is_label": True}
PUBLISHED = [
    publication(
        "hospital_1",
        folders=[folder("heart/train", AGE, LABEL, title=HOSTILE, used_for=["train"]), folder("heart/few", rows={"fewer_than": 10})],
        seen_at="2026-11-26T10:00:00.000+00:00",
    ),
    publication("hospital_1", "other", folders=[folder("heart/train", AGE, LABEL)]),
    publication("hospital_2", extent="off"),
    publication("hospital_3", extent=None, problem="hospital_3: cannot be reached at 10.0.0.12:5000"),
]  # fmt: skip
BESIDE = {
    "participants": [
        {"participant_id": "hospital_1", "extent": "schema", "folders": [["heart", "train"]]},
        {"participant_id": "hospital_2", "extent": "schema", "folders": [["rows"]]},
    ],
    "columns": [
        {"name": "age", "is_label": False, "by": {"hospital_1": AGE}, "lacking": ["hospital_2"], "differs": True},
        {"name": "label", "is_label": True, "by": {"hospital_1": LABEL, "hospital_2": LABEL}, "lacking": [], "differs": False},
    ],
    "differences": ["column 'age' is at hospital_1, and not at hospital_2"],
}  # fmt: skip
Show = Callable[..., Visitor]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    def show(items: list[dict[str, Any]] = PUBLISHED) -> Visitor:
        app = answering(
            ("GET /ttp/catalogue", 200, {"data": items, "next": None}),
            ("GET /ttp/catalogue/c/p", 200, {"data": BESIDE}),
        )
        grid: Portal = portal(tmp_path, app)
        return grid.visitor()

    return show


def test_folders_are_shown_once_with_kind_rows_columns_and_what_uses_them(show: Show) -> None:
    page = show().get("/catalogue").text

    assert page.count(">heart/train</a>") == 1
    assert "about 120" in page
    assert "fewer than 10" in page
    assert "c / p" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_who_publishes_nothing_or_was_not_reached_is_said(show: Show) -> None:
    page = show().get("/catalogue").text

    assert "publishes nothing; its owner can change that." in page
    assert "hospital_3: cannot be reached at 10.0.0.12:5000" in page


def test_of_a_project_columns_stand_side_by_side_with_what_differs(show: Show) -> None:
    page = show().get("/catalogue?collab_id=c&project_id=p").text

    assert "column &#39;age&#39; is at hospital_1, and not at hospital_2" in page
    assert "lacks it" in page
    assert "outcome: category" in page


def test_a_folder_has_a_page_with_its_columns_and_every_project_that_may_use_it(show: Show) -> None:
    visitor = show()
    page = visitor.get("/catalogue/hospital_1/heart/train").text

    assert "years" in page
    assert "the label" in page
    assert "c / other" in page
    told: Any = visitor.get("/catalogue/hospital_1/heart/train?format=json").json
    assert told["folder"]["path"] == ["heart", "train"]
    assert visitor.get("/catalogue/hospital_1/nothing").status_code == 404


def test_the_whole_is_to_be_had_as_csv(show: Show) -> None:
    rows = list(csv.DictReader(io.StringIO(show().get("/catalogue?format=csv").text)))

    assert [(row["participant_id"], row["project_id"], row["folder"], row["rows_about"]) for row in rows] == [
        ("hospital_1", "p", "heart/train", "120"),
        ("hospital_1", "p", "heart/few", ""),
        ("hospital_1", "other", "heart/train", "120"),
    ]
    assert rows[1]["rows_fewer_than"] == "10"
    # What is no kind of file is a page.
    assert ">heart/train</a>" in show().get("/catalogue?format=xml").text


@pytest.mark.parametrize(
    ("items", "said"),
    [([], "No participant is registered here yet"), (PUBLISHED[2:], "Nobody here publishes a folder yet")],
)
def test_where_there_is_nothing_it_says_what_to_do(show: Show, items: list[dict[str, Any]], said: str) -> None:
    assert said in show(items).get("/catalogue").text


def test_it_is_there_in_german(show: Show) -> None:
    assert "etwa 120" in show().get("/catalogue", Accept_Language="de").text
