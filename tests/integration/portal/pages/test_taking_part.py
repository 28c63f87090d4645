"""Who takes part with how many rows, and whether its workers can be reached: as far as an orchestrator says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.portal import Portal, answering, portal

PROJECT = "/ttp/connect/collaborations/heart/projects/risk"
PAGE = "/collaborations/heart/projects/risk"
WHO = ("hospital_1", "hospital_2")


def key(who: str) -> dict[str, str]:
    return {"collab_id": "heart", "project_id": "risk", "participant_id": who}


def node(
    who: str, number: int, is_reachable: bool | None, problem: str | None = None, project: str = "risk"
) -> dict[str, Any]:
    worker = {"node": f"node_{number}", "host": "10.0.0.1", "f_port": 5000 + number, "port": 8020 + number}
    told = {**worker, "is_reachable": is_reachable, "problem": problem}
    return {"kind": "Node", "key": {**key(who), "project_id": project}, **told}


def registration(who: str) -> dict[str, Any]:
    tags = {"train": [["a"], ["b"]], "evaluate": [["c"]]}
    worker = {"host": "10.0.0.1", "f_port": 5000, "port": 8020}
    return {"kind": "Registration", "key": key(who), "role": "guest", "node_0": worker, "relations": {"Tag": [tags]}}


def alignment(who: str, rows: int) -> dict[str, Any]:
    return {"kind": "Alignment", "key": key(who), "agreement": {"tables": {"train": {"rows": rows}}}}


def grid(folder: Path, models: int, **told: Mapping[str, Any]) -> Portal:
    answers: dict[str, Mapping[str, Any]] = {
        PROJECT: {"data": {"action": "classify", "relations": {"Model": models}}},
        "/ttp/jobs": {"data": [], "params": {"counts": {}}},
        "/ttp/connect/collaborations/heart": {"data": {}},
        **{
            f"{place}/registrations": {"data": [registration(who) for who in WHO]}
            for place in (PROJECT, "/ttp/connect/collaborations/heart")
        },
        f"{PROJECT}/experiments": {"data": []},
        "/ttp/connect/collaborations/heart/projects": {"data": []},
        **{path.replace("project", PROJECT.replace("connect", "train")): said for path, said in told.items()},
    }
    return portal(folder, answering(*((f"GET {path}", 200, said) for path, said in answers.items())))


MODELS = {"data": [{"participants": [{"id": "hospital_1", "rows": {"train": 90, "evaluate": 1200}}]}]}
AGREED = {"data": [alignment("hospital_1", 77), alignment("hospital_2", 66)]}
NODES = {
    "data": [
        node("hospital_1", 0, True),
        node("hospital_2", 0, True),
        node("hospital_2", 1, False, "hospital_2: cannot be reached at 10.0.0.1:5000"),
    ]
}


def row(page: str, who: str) -> str:
    """The words of a participant's row."""
    [found] = re.findall(rf'<tr id="member-\d"><th scope="row"><a [^>]*>{who}</a>.*?</tr>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", str(found)))


def test_the_rows_are_those_of_the_newest_training(tmp_path: Path) -> None:
    visitor = grid(tmp_path, 1, **{"project/models": MODELS, "project/alignments": AGREED}).visitor()
    page = visitor.get(PAGE).text

    assert "90 to train on , 1,200 to measure on" in row(page, "hospital_1")
    assert "66" not in row(page, "hospital_2")


def test_a_run_that_was_trained_again_is_the_newest_wherever_it_stands_in_the_list(tmp_path: Path) -> None:
    days = {"2026-05-02": 5, "2026-05-03": 90, "2026-05-01": 7}
    models = [
        {"trained_at": f"{day}T10:00:00Z", "participants": [{"id": "hospital_1", "rows": {"train": rows}}]}
        for day, rows in days.items()
    ]
    page = grid(tmp_path, 3, **{"project/models": {"data": models}}).visitor().get(PAGE).text

    assert "90 to train on" in row(page, "hospital_1")


def test_before_anything_is_trained_they_are_those_that_were_agreed_on(tmp_path: Path) -> None:
    page = grid(tmp_path, 0, **{"project/alignments": AGREED}).visitor().get(PAGE).text

    assert "77 to train on" in row(page, "hospital_1")
    assert "66 to train on" in row(page, "hospital_2")


def test_whoever_reads_the_page_does_not_wait_for_a_worker_that_is_away(tmp_path: Path) -> None:
    there = grid(tmp_path, 0, **{"/ttp/nodes": NODES})
    page = there.visitor().get(PAGE).text

    assert "being asked" in row(page, "hospital_1")
    assert f'hx-get="{PAGE}/live"' in page
    assert not [each for each in there.asked if "/ttp/nodes" in each]


@pytest.mark.parametrize("path", [f"{PAGE}/live", f"{PAGE}?asked=1", "/collaborations/heart/live"])
def test_it_says_a_moment_later_who_can_be_reached(tmp_path: Path, path: str) -> None:
    page = grid(tmp_path, 0, **{"/ttp/nodes": NODES}).visitor().get(path).text

    assert "✓ reachable" in row(page, "hospital_1")
    assert "✕ not reachable 1 of 2 can be reached" in row(page, "hospital_2")
    assert "hospital_2: cannot be reached at 10.0.0.1:5000" in row(page, "hospital_2")


def test_a_worker_that_is_registered_for_several_projects_is_one(tmp_path: Path) -> None:
    nodes = [
        node("hospital_1", number, number == 0, None if number == 0 else "hospital_1: cannot be reached", project)
        for project in ("risk", "stay", "cost")
        for number in range(2)
    ]
    page = grid(tmp_path, 0, **{"/ttp/nodes": {"data": nodes}}).visitor().get("/collaborations/heart/live").text

    assert "1 of 2 can be reached hospital_1: cannot be reached risk" in row(page, "hospital_1")


@pytest.mark.parametrize(("is_reachable", "pace"), [(None, "1"), (True, "15")])
def test_it_asks_again_soon_while_a_worker_is_being_asked(tmp_path: Path, is_reachable: bool | None, pace: str) -> None:
    nodes = {"data": [node("hospital_1", 0, is_reachable)]}
    answer = grid(tmp_path, 0, **{"/ttp/nodes": nodes}).visitor().get(f"{PAGE}/live")

    assert answer.headers["Live-Pace"] == pace


def test_a_collaboration_says_it_of_each_project(tmp_path: Path) -> None:
    page = grid(tmp_path, 1, **{"project/models": MODELS}).visitor().get("/collaborations/heart/live").text

    assert "risk : 90 to train on" in row(page, "hospital_1")


def test_of_many_projects_it_says_whose_rows_are_shown_elsewhere(tmp_path: Path) -> None:
    many = [{**registration("hospital_1"), "key": {**key("hospital_1"), "project_id": f"p{n}"}} for n in range(14)]
    registered = {"/ttp/connect/collaborations/heart/registrations": {"data": many}}
    there = grid(tmp_path, 1, **registered)
    page = there.visitor().get("/collaborations/heart/live").text

    assert "and in 2 other projects" in row(page, "hospital_1")
    assert 'The rows of 2 more projects are on their own pages: <a href="/collaborations/heart#projects">' in page
    assert len([each for each in there.asked if "/models" in each]) == 12


def test_all_who_take_part_are_asked_for_however_many_they_are(tmp_path: Path) -> None:
    """A page of a list ends where it gets large, whatever its limit."""
    there = grid(tmp_path, 0, **{"project/alignments": AGREED})
    for page in (PAGE, "/collaborations/heart"):
        there.visitor().get(page)

    whole = [each for each in there.asked if "/registrations" in each or "/alignments?fields=agreement" in each]
    assert len(whole) == 3
    assert not [each for each in whole if "limit=" in each]


def test_where_nobody_may_know_it_nothing_is_said(tmp_path: Path) -> None:
    page = grid(tmp_path, 1).visitor().get(f"{PAGE}/live").text

    assert "reachable" not in row(page, "hospital_1")
    assert row(page, "hospital_1").rstrip().endswith("–")
