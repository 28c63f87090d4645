"""Registrations: the nodes of participants, where they may be, and what is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    PROJECT_URL,
    C,
    CannedDispatcher,
    Client,
    declare,
    node,
    registration,
    registration_url,
)
from synergos.domain.grid import node_of
from synergos.domain.reachability import Silent
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest import create_app


def test_registrations_are_found_from_every_side(declared: Client) -> None:
    worker = f"{CONNECT}/participants/worker_1"
    for url, expected in [
        (f"{COLLABORATION_URL}/registrations", 2),
        (f"{COLLABORATION_URL}/participants/worker_1/registrations", 1),
        (f"{PROJECT_URL}/registrations", 2),
        (f"{worker}/registrations", 1),
        (f"{worker}/collaborations/{C}/registrations", 1),
        (f"{worker}/collaborations/other/registrations", 0),
    ]:
        found = declared.data("GET", url)
        assert len(found) == expected, url
        assert all(record["project"]["action"] == "regress" for record in found)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_count": 2}, "node_1"),
        ({"node_1": node("h")}, "n_count"),
        ({"n_count": 0}, "n_count"),
        ({"n_count": 1.0}, "n_count"),
        ({"n_count": 10**12}, "node_1"),
        ({"role": "gest"}, "role"),
        ({"extra": 1}, "extra"),
        ({"node_1": node("h"), "note": 1}, "note"),
        ({"node_0": {"host": "h", "port": 8020}}, "node_0.f_port"),
        ({"node_0": {**node("h"), "port": "8020"}}, "node_0.port"),
        ({"node_0": {**node("h"), "port": 70000}}, "node_0.port"),
        ({"node_0": {**node("h"), "port": True}}, "node_0.port"),
        ({"node_0": {**node("h"), "verbose": 1}}, "node_0.verbose"),
        ({"node_0": node("h/../x")}, "node_0.host"),
        ({"node_0": node("")}, "node_0.host"),
        ({"node_00": node("h")}, "node_00"),
    ],
)
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_wrong_registration_is_refused_with_the_field(
    declared: Client, verb: str, changes: dict[str, Any], field: str
) -> None:
    before = declared.data("GET", registration_url("worker_1"))
    body = changes if verb == "PUT" else {**registration("h"), **changes}

    status, answer = declared.ask(verb, registration_url("worker_1"), body)

    assert (status, answer["field"]) == (417, field)
    assert field in answer["message"]
    assert declared.data("GET", registration_url("worker_1")) == before


def test_two_participants_have_a_worker_each(declared: Client) -> None:
    before = declared.data("GET", registration_url("worker_2"))
    taken = declared.data("GET", registration_url("worker_1"))["node_0"]

    status, answer = declared.put(registration_url("worker_2"), {"node_0": taken})

    assert (status, answer["field"]) == (417, "node_0")
    assert "is registered for worker_1; expected a worker of worker_2's own" in answer["message"]
    assert declared.data("GET", registration_url("worker_2")) == before


def test_what_is_not_sure_of_a_node_is_told_beside_the_record(store: RecordStore, dispatcher: CannedDispatcher) -> None:
    def probe(_host: str, _port: int) -> Silent:
        return Silent("No route to host")

    client = Client(create_app(store, dispatcher, component_id="ttp/1", probe=probe).test_client())
    declare(client)

    status, answer = client.post(registration_url("worker_1"), registration("far.away"))

    assert status == 201
    assert answer["warnings"][:1] == [
        "node_0: cannot be reached from here at far.away:5000 (No route to host) and far.away:8020 (No route to host)"
    ]
    assert answer["data"]["node_0"]["host"] == "far.away"


@pytest.mark.parametrize("host", ["http://10.0.0.1", "https://h", "10.0.0.1:5000", "h/", "user@h", "a b"])
def test_what_a_host_is_to_be_is_said_in_a_sentence(declared: Client, host: str) -> None:
    status, answer = declared.post(registration_url("worker_1"), {"role": "host", "n_count": 1, "node_0": node(host)})

    assert (status, answer["field"]) == (417, "node_0.host")
    assert answer["message"] == (
        "node_0.host: expected a name or an address alone, as worker.example.org or 10.0.0.11: no http:// before it, and no port "
        f"behind it, which port and f_port say, got {host!r}"
    )


@pytest.mark.parametrize("host", ["h", "worker_1.bank.example", "10.0.0.1", "::1", "[::1]", "fe80::1%eth0"])
def test_names_and_addresses_are_hosts(declared: Client, host: str) -> None:
    assert declared.post(registration_url("worker_1"), registration(host))[0] == 201


def test_a_registration_may_have_many_nodes(declared: Client) -> None:
    nodes = {f"node_{index}": node("h") for index in range(12)}

    assert declared.data("POST", registration_url("worker_1"), {"role": "host", "n_count": 12, **nodes})["node_11"]


def test_a_node_that_moves_and_moves_back_is_registered_anew_each_time(declared: Client, store: RecordStore) -> None:
    url = registration_url("worker_1")

    def nonce() -> str | None:
        [record] = store.find(Kind.REGISTRATION, {"participant_id": "worker_1"})
        return node_of(record, 0).nonce

    first = declared.data("GET", url)
    nonces = [nonce()]
    for change in (
        {"node_0": node("elsewhere")},
        {"node_0": first["node_0"]},
        {"role": "guest"},
        {"role": first["role"]},
    ):
        declared.data("PUT", url, change)
        nonces.append(nonce())
    declared.data("PUT", url, {"role": first["role"]})

    assert len(set(nonces)) == 5
    assert nonce() == nonces[-1]
    # What is ours to count is nobody's to say.
    declared.data("PUT", url, {"revision": 0})
    assert nonce() == nonces[-1]
