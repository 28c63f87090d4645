"""``/ttp/nodes``: which of the registered workers the orchestrator reaches."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pytest

from fakes.orchestration import C, CannedDispatcher, Client, P, declare, registration_url
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.reachability import COMMAND, DATA, Answered, Presence, Silent
from synergos.records import RecordStore
from synergos.rest.app import create_app, create_status_app

PORTS = {5000: COMMAND, 8020: DATA}


def probe(host: str, port: int) -> Answered | Silent:
    """The second worker's data port cannot be reached."""
    if (host, port) == ("172.18.0.4", 8020):
        return Silent("Connection refused")
    return Answered("worker", f"worker at {host}", PORTS[port], version("synergos"))


@pytest.fixture
def client(store: RecordStore) -> Client:
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1", probe=probe).test_client())
    quiet = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client())
    declare(quiet)
    return client


def shown(client: Client, query: str = "") -> list[tuple[str, bool | None, str | None]]:
    nodes = client.data("GET", f"/ttp/nodes{query}")
    return [(node["key"]["participant_id"], node["is_reachable"], node["problem"]) for node in nodes]


AWAY = "cannot be reached from here at 172.18.0.4:8020 (Connection refused)"


def test_each_node_says_whether_it_is_reachable_and_what_is_wrong(client: Client) -> None:
    assert shown(client) == [("worker_1", True, None), ("worker_2", False, AWAY)]
    [_, node] = client.data("GET", "/ttp/nodes")
    assert (node["kind"], node["node"], node["host"], node["port"]) == ("Node", "node_0", "172.18.0.4", 8020)
    assert (node["command"]["answers"], node["command"]["id"]) == (True, "worker at 172.18.0.4")
    assert (node["data"]["answers"], node["data"]["reason"]) == (False, "Connection refused")


REFUSED = "worker_1: tags.train: the owner of the data does not let x use the folder 'heart/train'"


def ended(store: RecordStore, stage: Stage, error: JobError | None, state: JobState | None = None) -> str:
    """A job of the project that has just ended."""
    job = Job(stage, ProjectKey(C, P))
    store.add_jobs(
        [replace(job, error=error).ended(state or (JobState.FAILED if error else JobState.COMPLETED), error)]
    )
    return job.id


def test_a_node_whose_owner_has_refused_a_folder_says_so_until_a_job_gets_further(
    client: Client, store: RecordStore
) -> None:
    job = ended(store, Stage.PREPROCESS, JobError("WorkerForbids", REFUSED, "worker_1", "tags.train"))
    # Who cancels a job changes nothing about that.
    ended(store, Stage.PREPROCESS, None, JobState.CANCELLED)

    assert shown(client) == [("worker_1", True, REFUSED), ("worker_2", False, AWAY)]
    refused, other = client.data("GET", "/ttp/nodes")
    assert (refused["forbidden"]["job"], refused["forbidden"]["reason"]) == (job, REFUSED)
    assert refused["forbidden"]["at"] is not None
    assert other["forbidden"] is None
    ended(store, Stage.PREPROCESS, None)
    assert [node["forbidden"] for node in client.data("GET", "/ttp/nodes")] == [None, None]


@pytest.mark.parametrize(
    "error", [JobError("WorkerUnreachable", "no answer", "worker_1"), JobError("WorkerForbids", "no", "worker_9")]
)
def test_what_failed_otherwise_is_no_refusal_of_this_node(client: Client, store: RecordStore, error: JobError) -> None:
    ended(store, Stage.PREPROCESS, error)

    assert [node["forbidden"] for node in client.data("GET", "/ttp/nodes")] == [None, None]


JOINED, MISSING, ELSEWHERE = "a" * 64, "b" * 64, "c" * 64
SINCE = datetime(2026, 11, 26, 7, tzinfo=UTC)


def test_a_worker_that_dials_out_is_shown_by_its_fingerprint_with_whether_it_has_joined(store: RecordStore) -> None:
    def asked(host: str, port: int) -> Answered | Silent:
        if host == MISSING:
            return Silent("it has not joined")
        if host == ELSEWHERE:
            return Silent("the TTP of sub-grid 1 alone can ask it", presence=Presence())
        return replace(probe(host, port), presence=Presence(SINCE, "10.0.0.1", 4))

    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1", probe=asked).test_client())
    declare(client)
    for fingerprint in (JOINED, MISSING, ELSEWHERE):
        who = fingerprint[0]
        client.data("POST", "/ttp/connect/participants", {"id": who})
        client.data(
            "POST", registration_url(who), {"role": "host", "n_count": 1, "node_0": {"fingerprint": fingerprint}}
        )

    nodes = {node["host"]: node for node in client.data("GET", "/ttp/nodes")}

    found = [(nodes[each]["joined"], nodes[each]["is_reachable"], nodes[each]["problem"]) for each in (JOINED, MISSING)]
    assert found == [
        ({"is_connected": True, "since": "2026-11-26T07:00:00+00:00", "waiting": 4}, True, None),
        ({"is_connected": False, "since": None, "waiting": 0}, False, "cannot be reached from here: it has not joined"),
    ]
    assert nodes[ELSEWHERE]["joined"] == {"is_connected": True, "since": None, "waiting": None}
    assert (nodes[ELSEWHERE]["is_reachable"], nodes[ELSEWHERE]["problem"]) == (True, None)
    assert (nodes[JOINED]["port"], nodes[JOINED]["f_port"]) == (None, None)
    assert nodes["172.18.0.4"]["joined"] is None


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ({}, "node_0.host"),
        ({"fingerprint": "a" * 63}, "node_0.fingerprint"),
        ({"fingerprint": JOINED, "port": 8020}, "node_0.host"),
        ({"host": "10.0.0.1", "port": 8020}, "node_0.f_port"),
    ],
)
def test_half_of_where_a_node_is_is_refused_by_its_field(client: Client, node: dict[str, Any], field: str) -> None:
    client.data("POST", "/ttp/connect/participants", {"id": "other"})

    status, answer = client.post(registration_url("other"), {"role": "host", "n_count": 1, "node_0": node})

    assert (status, answer["field"]) == (417, field)


def test_a_worker_of_a_release_too_far_away_is_a_problem_that_says_who_is_to_update(store: RecordStore) -> None:
    major = int(version("synergos").split(".")[0])

    def later(host: str, port: int) -> Answered | Silent:
        return Answered("worker", f"worker at {host}", PORTS[port], f"{major + 1}.0.0")

    declare(Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client()))
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1", probe=later).test_client())

    [(_, is_reachable, problem), _] = shown(client)

    assert is_reachable is False
    assert problem is not None
    assert problem.startswith(f"the worker is Synergos {major + 1}.0, this orchestrator is {major}.")
    assert problem.endswith("update this orchestrator")


def test_a_worker_that_cannot_work_is_reachable_and_a_problem(store: RecordStore) -> None:
    health = {
        "component": "worker",
        "id": "w",
        "version": version("synergos"),
        "status": "degraded",
        "problems": {"outputs": "its disk is full", "computing": "\x1b[2J=cmd"},
    }

    def unwell(host: str, port: int) -> Answered | Silent:
        return Answered.read(json.dumps({**health, "interface": PORTS[port]}).encode())

    declare(Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client()))
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1", probe=unwell).test_client())

    [(_, is_reachable, problem), _] = shown(client)

    assert is_reachable is True
    assert problem == (
        "the worker says that it cannot work as it should: outputs: its disk is full; computing: for a reason that cannot be shown"
    )
    [node, _] = client.data("GET", "/ttp/nodes")
    assert node["command"]["problems"]["outputs"] == "its disk is full"


def test_nodes_are_chosen_by_the_ids_of_their_registration(client: Client) -> None:
    assert shown(client, "?participant_id=worker_2") == [("worker_2", False, AWAY)]
    assert shown(client, f"?collab_id={C}&project_id={P}&participant_id=worker_1") == [("worker_1", True, None)]
    assert shown(client, "?project_id=other") == []


@pytest.mark.parametrize("query", ["?participant=worker_1", "?participant_id=", "?host=10.0.0.1"])
def test_nothing_else_can_be_asked_for(client: Client, query: str) -> None:
    status, answer = client.get(f"/ttp/nodes{query}")

    assert (status, answer["success"]) == (417, 0)


@pytest.mark.parametrize(("grid", "expected"), [(0, 2), (1, 0), (None, 2)])
def test_a_ttp_of_a_cluster_looks_at_the_nodes_of_its_own_grid(
    client: Client, store: RecordStore, grid: int | None, expected: int
) -> None:
    def status() -> dict[str, Any]:
        return {}

    app = create_status_app(store, component="ttp", component_id="t", status=status, probe=probe, grid=grid)

    assert len(shown(Client(app.test_client()))) == expected


@pytest.mark.parametrize(("count", "status"), [("70000", 200), ("x", 417), (str(2**22 + 1), 417)])
def test_the_line_to_the_orchestrator_can_be_measured(client: Client, count: str, status: int) -> None:
    answer = client.http.get(f"/bandwidth?bytes={count}")

    assert answer.status_code == status
    assert status != 200 or len(answer.data) == int(count)
    assert client.http.put("/bandwidth", data=bytes(100_000)).get_json() == {"bytes": 100_000}
