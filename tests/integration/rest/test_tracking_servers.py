"""Tracking servers: a collaboration names one that its orchestrator may write to."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    C,
    CannedDispatcher,
    Client,
)
from synergos.domain.addresses import Places
from synergos.records import RecordStore
from synergos.rest import create_app


@pytest.fixture
def tracked(store: RecordStore, dispatcher: CannedDispatcher) -> Client:
    """A client of an orchestrator that may write to one tracking server."""
    servers = Places.read(["172.19.0.11:5500"])
    app = create_app(store, dispatcher, component_id="ttp/1", tracking_servers=servers)
    return Client(app.test_client())


def mlops(host: str | None, port: int | None = 5500) -> dict[str, Any]:
    return {"mlops": {"host": host, "ports": {"main": port, "ui": 0}, "secure": False}}


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("172.19.0.12", 5500),
        ("172.19.0.11", 80),
        ("evil.example", 5500),
        ("172.19.0.11:5500@evil.example", 5500),
        ("::ffff:172.19.0.11", 5500),
    ],
)
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_collaboration_names_a_tracking_server_that_is_allowed(
    tracked: Client, verb: str, host: str, port: int
) -> None:
    allowed = tracked.data("POST", f"{CONNECT}/collaborations", {"collab_id": C, **mlops("172.19.0.11")})

    if verb == "POST":
        status, answer = tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, **mlops(host, port)})
    else:
        status, answer = tracked.put(COLLABORATION_URL, mlops(host, port))

    assert (status, answer["field"]) == (417, "mlops.host")
    assert "is not a tracking server that this orchestrator may write to" in answer["message"]
    assert tracked.data("GET", COLLABORATION_URL)["mlops"] == allowed["mlops"]


def test_a_tracking_server_that_is_allowed_no_more_stays_until_somebody_names_another(
    store: RecordStore, dispatcher: CannedDispatcher, tracked: Client
) -> None:
    everywhere = Client(create_app(store, dispatcher, component_id="ttp/1").test_client())
    old = everywhere.data("POST", f"{CONNECT}/collaborations", {"collab_id": C, **mlops("172.19.0.12")})["mlops"]

    changed = tracked.put(COLLABORATION_URL, {"catalogue": {"host": "10.0.0.1"}})
    again = tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, "mlops": old})
    read = tracked.get(COLLABORATION_URL)
    other = tracked.put(COLLABORATION_URL, mlops("172.19.0.13"))

    assert (changed[0], again[0], other[0]) == (200, 201, 417)
    warning = "mlops: '172.19.0.12', port 5500, is not allowed by --allow_mlops (any more); nothing is written to it"
    assert changed[1]["warnings"] == read[1]["warnings"] == [warning]
    assert again[1]["warnings"][-1] == warning
    assert read[1]["data"]["mlops"] == old
    for server in (mlops("172.19.0.11"), mlops(None, None)):
        status, answer = tracked.put(COLLABORATION_URL, server)
        assert (status, "warnings" in answer) == (200, False)


@pytest.mark.parametrize("none", [{}, {"mlops": None}, mlops(None, None), mlops("somewhere", 0)])
def test_a_collaboration_that_names_no_tracking_server_is_never_refused(tracked: Client, none: dict[str, Any]) -> None:
    assert tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, **none})[0] == 201
