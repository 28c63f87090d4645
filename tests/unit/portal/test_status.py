"""The state of the grid: the orchestrator, its TTPs, queues and workers, and the programs beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fakes.portal import Portal, answering, portal
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_portal.pages.status import Beside
from synergos_portal.services import Service

JOB = {"id": "0123456789", "stage": "train", "keys": {"run_id": "r"}, "started_at": "2026-01-01T00:00:00+00:00"}
GRIDS = [
    {"kind": "Grid", "ttp": "ttp_0", "grid": 0, "is_busy": True, "job": JOB, "joined": 2},
    {"kind": "Grid", "ttp": "ttp_1", "grid": 1, "is_busy": False, "job": None, "joined": 0},
]
BROKER = {"is_reachable": True, "queues": {"train": {"messages": 17, "consumers": 1}}}
HEALTH = {
    "component": "director",
    "id": "director_1",
    "status": "degraded",
    "version": "9.9",
    "grid_kind": "cluster",
    "problems": {"outputs": "the disk is full"},
}


@pytest.fixture
def cluster(tmp_path: Path) -> Portal:
    return portal(
        tmp_path,
        answering(("GET /health", 200, HEALTH), ("GET /ttp/grids", 200, {"data": GRIDS, "broker": BROKER})),
    )


def test_a_cluster_shows_its_ttps_what_they_do_and_its_queues(cluster: Portal) -> None:
    page = cluster.visitor(Service.NAV).get("/status").text

    for words in (
        "director_1",
        "9.9",
        "the disk is full",
        "ttp_0",
        "training 01234567",
        "ttp_1",
        "Waits for a job.",
        "17",
    ):
        assert words in page


def test_a_basic_grid_shows_its_only_ttp_and_its_workers(grid: Portal, store: RecordStore) -> None:
    store.add_jobs([Job(Stage.TRAIN, RunKey("c", "p", "e", "r")).started()])
    key = {"collab_id": "c", "project_id": "p", "participant_id": "hospital_1"}
    store.put(Kind.REGISTRATION, key, {"n_count": 1, "node_0": {"host": "10.0.0.9", "f_port": 1, "port": 2}})

    page = grid.visitor(Service.NAV).get("/status").text

    assert "ttp/1" in page
    assert "10.0.0.9" in page
    assert grid.visitor(Service.NAV).get("/status/live").headers["Live-Pace"] == "1"


def test_a_broker_that_is_away_and_a_cluster_without_ttps_are_said(tmp_path: Path) -> None:
    away = {"data": [], "broker": {"is_reachable": False, "queues": {}}}
    told = portal(tmp_path, answering(("GET /health", 200, HEALTH), ("GET /ttp/grids", 200, away)))

    page = told.visitor(Service.NAV).get("/status").text

    assert "No TTP lives" in page
    assert "cannot be reached by the director" in page


def test_an_orchestrator_that_is_away_has_a_state_too(cluster: Portal) -> None:
    cluster.adapters["orchestrator"].away = True

    answer = cluster.visitor(Service.NAV).get("/status")

    assert (answer.status_code, "It does not answer" in answer.text) == (200, True)


def test_what_an_orchestrator_said_before_it_was_away_is_not_how_it_is(cluster: Portal) -> None:
    visitor = cluster.visitor(Service.NAV)
    before = visitor.get("/status").text
    cluster.adapters["orchestrator"].away = True

    now = visitor.get("/status/live")

    assert ["the disk is full" in text for text in (before, now.text)] == [True, False]
    assert ("It does not answer" in now.text, "ttp_0" in now.text, now.headers["Live-Pace"]) == (True, True, "1")


@pytest.mark.parametrize(
    ("is_station_here", "said"), [(True, "The portal was told of none"), (False, "the Command Station says")]
)
def test_which_programs_are_beside_the_grid_is_said_where_they_are_known(
    cluster: Portal, is_station_here: bool, said: str
) -> None:
    beside = Beside([], is_station_here=is_station_here)
    beside.install(cluster.apps[Service.NAV])
    try:
        assert said in cluster.visitor(Service.NAV).get("/status").text
    finally:
        beside.close()


def node(who: str, project: str, *, is_reachable: bool | None = True) -> dict[str, object]:
    key = {"collab_id": "c", "project_id": project, "participant_id": who}
    about = {"kind": "Node", "node": "node_0", "host": f"{who}.example", "f_port": 1, "port": 2}
    return {**about, "key": key, "is_reachable": is_reachable, "problem": None if is_reachable else "nobody answers"}


def with_workers(folder: Path, *nodes: dict[str, object]) -> Portal:
    return portal(folder, answering(("GET /health", 200, HEALTH), ("GET /ttp/nodes", 200, {"data": list(nodes)})))


def test_a_worker_is_told_once_however_many_projects_it_is_registered_for(tmp_path: Path) -> None:
    nav = with_workers(tmp_path, node("a", "p"), node("a", "q"), node("b", "p")).visitor(Service.NAV)

    page, every = nav.get("/status").text, nav.get("/status/workers").text

    assert [page.count(f"<td>{text}</td>") for text in ("a.example:1", "b.example:1", "2 projects", "c / p")] == [
        1,
        1,
        1,
        1,
    ]
    assert 'href="http://localhost:4001/participants/a">' in page
    assert 'href="http://localhost:4001/participants/b/registrations/c/p">' in page
    assert [every.count(f"<td>{text}</td>") for text in ("a.example:1", "b.example:1", "c / p", "c / q")] == [
        2,
        1,
        2,
        1,
    ]
    assert nav.get("/status/workers?format=csv").text.splitlines()[1] == "a,c,p,node_0,a.example,true,,"


def test_of_many_workers_those_that_are_not_reachable_come_first(tmp_path: Path) -> None:
    many = [node(f"w{number}", "p") for number in range(30)]
    gone, asked = node("gone", "p", is_reachable=False), node("asked", "p", is_reachable=None)
    nav = with_workers(tmp_path, *many, asked, gone).visitor(Service.NAV)

    page = nav.get("/status").text

    hosts = re.findall(r"<td>(\w+)\.example:1</td>", page)
    assert hosts == ["gone", "asked", *(f"w{number}" for number in range(18))]
    assert "20 of 32 are shown" in page
    assert nav.get("/status/live").headers["Live-Pace"] == "1"
