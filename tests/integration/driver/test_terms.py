"""A declaration, a change and a deletion may be for a try, only if it is new, or only if nobody has changed it since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.orchestration import CannedDispatcher
from fakes.portal import InProcess
from fakes.recording_server import RecordingServer
from synergos import Driver
from synergos.driver import DriverError, UsageError
from synergos.records import RecordStore
from synergos.rest.app import create_app

LAYERS: list[dict[str, Any]] = [{"is_input": True, "l_type": "Linear", "structure": {}, "activation": ""}]
Call = Callable[..., Any]


def registering(driver: Driver, **terms: Any) -> Any:
    task = driver.registrations
    task.add_node("h", 8020, 5000)
    return task.create("c", "p", "w", "guest", **terms)


DECLARING: dict[str, Call] = {
    "collaboration": lambda d, **t: d.collaborations.create("c", **t),
    "project": lambda d, **t: d.projects.create("c", "p", "regress", {}, **t),
    "experiment": lambda d, **t: d.experiments.create("c", "p", "e", LAYERS, **t),
    "run": lambda d, **t: d.runs.create("c", "p", "e", "r", **t),
    "participant": lambda d, **t: d.participants.create("w", **t),
    "registration": registering,
    "tags": lambda d, **t: d.tags.create("c", "p", "w", [["d"]], **t),
    "invitation": lambda d, **t: d.invitations.create("c", "p", "w", **t),
}
CHANGING: dict[str, Call] = {
    "collaboration": lambda d, **t: d.collaborations.update("c", **t),
    "project": lambda d, **t: d.projects.update("c", "p", **t),
    "experiment": lambda d, **t: d.experiments.update("c", "p", "e", **t),
    "run": lambda d, **t: d.runs.update("c", "p", "e", "r", **t),
    "participant": lambda d, **t: d.participants.update("w", **t),
    "registration": lambda d, **t: d.registrations.update("c", "p", "w", **t),
    "tags": lambda d, **t: d.tags.update("c", "p", "w", **t),
}
DELETING: dict[str, Call] = {
    "collaboration": lambda d, **t: d.collaborations.delete("c", **t),
    "project": lambda d, **t: d.projects.delete("c", "p", **t),
    "experiment": lambda d, **t: d.experiments.delete("c", "p", "e", **t),
    "run": lambda d, **t: d.runs.delete("c", "p", "e", "r", **t),
    "participant": lambda d, **t: d.participants.delete("w", **t),
    "registration": lambda d, **t: d.registrations.delete("c", "p", "w", **t),
    "tags": lambda d, **t: d.tags.delete("c", "p", "w", **t),
    "invitation": lambda d, **t: d.invitations.delete("c", "p", "w", **t),
}
STAGES: dict[str, Call] = {
    "training": lambda d, **t: d.models.create("c", "p", "e", "r", **t),
    "validation": lambda d, **t: d.validations.create("c", "p", "e", "r", **t),
    "prediction": lambda d, **t: d.predictions.create({"p": [["d"]]}, "w", "c", "p", "e", "r", **t),
}
TERMS = ({"check": True}, {"if_absent": True}, {"if_unchanged": "a1"}, {"if_unchanged": "*"}, {"check": False})


def conditions(server: RecordingServer) -> tuple[bool, str | None, str | None]:
    """What the last request was asked on: for a try, only if it is new, only if it is unchanged."""
    request = server.requests[-1]
    _path, _mark, query = request.path.partition("?")
    assert query in ("", "check=true")
    return bool(query), request.headers.get("If-None-Match"), request.headers.get("If-Match")


@pytest.mark.parametrize(
    "call", [*DECLARING.values(), *CHANGING.values()], ids=[*DECLARING, *(f"{n} changed" for n in CHANGING)]
)
def test_every_declaration_and_change_says_its_terms_and_its_body_is_as_without(
    driver: Driver, server: RecordingServer, call: Call
) -> None:
    call(driver)
    plain = server.requests[-1]
    assert conditions(server) == (False, None, None)
    found = []
    for terms in TERMS:
        call(driver, **terms)
        assert (server.requests[-1].method, server.requests[-1].body) == (plain.method, plain.body)
        found.append(conditions(server))

    assert found == [
        (True, None, None),
        (False, "*", None),
        (False, None, '"a1"'),
        (False, None, "*"),
        (False, None, None),
    ]


@pytest.mark.parametrize("call", DELETING.values(), ids=DELETING)
def test_a_deletion_may_be_of_what_was_read(driver: Driver, server: RecordingServer, call: Call) -> None:
    call(driver, if_unchanged='"a1"')

    assert conditions(server) == (False, None, '"a1"')


@pytest.mark.parametrize("call", STAGES.values(), ids=STAGES)
def test_a_stage_may_be_asked_for_a_try_and_on_no_condition(
    driver: Driver, server: RecordingServer, call: Call
) -> None:
    call(driver, check=True)
    assert conditions(server) == (True, None, None)

    before = len(server.requests)
    with pytest.raises(UsageError, match="if_absent"):
        call(driver, if_absent=True)
    assert len(server.requests) == before


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"check": "yes"}, "check"),
        ({"if_absent": 1}, "if_absent"),
        ({"if_unchanged": ""}, "if_unchanged"),
        ({"if_unchanged": 'a\r\nX: "y"'}, "if_unchanged"),
        ({"if_unchanged": "a1", "if_absent": True}, "if_unchanged"),
    ],
)
def test_terms_that_are_none_are_refused_and_nothing_is_sent(
    driver: Driver, server: RecordingServer, terms: dict[str, Any], field: str
) -> None:
    with pytest.raises(UsageError, match=field):
        driver.projects.create("c", "p", "regress", {}, **terms)

    assert server.requests == []


def test_on_terms_an_earlier_registration_is_not_deleted_first(driver: Driver, server: RecordingServer) -> None:
    registering(driver, if_unchanged="a1")
    assert [request.method for request in server.requests] == ["POST"]

    task = driver.registrations
    task.add_node("h", 8020, 5000)
    task.create("c", "p", "w", "guest", check=True)
    assert task.count_nodes() == 1


def test_what_is_configured_is_still_there_after_a_try(driver: Driver, server: RecordingServer) -> None:
    task = driver.collaborations
    task.configure_mq("h", 1)
    for terms in ({"check": True}, {}):
        task.create("c", **terms)

    assert server.requests[0].body == server.requests[1].body


@pytest.fixture
def orchestrated(tmp_path: Path) -> Iterator[Driver]:
    """A driver of a real orchestrator in this process."""
    store = RecordStore(f"sqlite:///{tmp_path / 'records.db'}")
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1")
    with Driver("ttp.example", 5000, raise_errors=True) as driver:
        driver._transport._session.mount("http://", InProcess(app))
        yield driver
    store.close()


def test_the_second_of_two_editors_is_told_and_nothing_is_taken_from_the_first(orchestrated: Driver) -> None:
    projects = orchestrated.projects
    orchestrated.collaborations.create("c")
    read = projects.create("c", "p", "regress", {}, if_absent=True)
    projects.update("c", "p", action="classify", if_unchanged=read["revision"])

    with pytest.raises(DriverError) as second:
        projects.update("c", "p", incentives={"gold": []}, if_unchanged=read["revision"])
    assert (second.value.status, second.value.body["changed"]) == (412, {"action": "classify"})
    with pytest.raises(DriverError) as taken:
        projects.create("c", "p", "regress", {}, if_absent=True)
    assert taken.value.status == 412
    tried = projects.update("c", "p", action="regress", check=True)
    assert (tried["method"], tried["data"]["action"]) == ("project.check", "regress")
    assert projects.read("c", "p")["data"]["action"] == "classify"
    with pytest.raises(DriverError):
        projects.delete("c", "p", if_unchanged=read["revision"])
    projects.delete("c", "p", if_unchanged="*")


def test_who_leaves_a_project_is_told_that_somebody_else_has_changed_its_registration(orchestrated: Driver) -> None:
    orchestrated.collaborations.create("c")
    orchestrated.projects.create("c", "p", "regress", {})
    orchestrated.participants.create("w")
    registered = registering(orchestrated)
    tagged = orchestrated.tags.create("c", "p", "w", [["d"]])
    orchestrated.registrations.update("c", "p", "w", role="host")
    orchestrated.tags.update("c", "p", "w", evaluate=[["d"]])

    for delete, read in ((orchestrated.tags.delete, tagged), (orchestrated.registrations.delete, registered)):
        with pytest.raises(DriverError) as refused:
            delete("c", "p", "w", if_unchanged=read["revision"])
        assert refused.value.status == 412
        delete("c", "p", "w", if_unchanged="*")
