"""``/ttp/nodes``: which of the registered workers the orchestrator reaches."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest

from fakes.orchestration import C, CannedDispatcher, Client, P, declare
from synergos.domain.reachability import COMMAND, DATA, Answered, Silent
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
