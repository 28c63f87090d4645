"""Whatever an orchestrator answers, and whatever stands in an address, a page says what to do: never a mistake of the portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from structlog.testing import capture_logs

from fakes.portal import Portal, answering, portal
from synergos_portal.services import Service

NONSENSE: dict[str, Any] = {
    "nothing": {},
    "null": {"data": None},
    "a number": {"data": 3},
    "an empty object": {"data": {}},
    "a list of nothing": {"data": [None]},
    "a list of empty objects": {"data": [{}], "next": 7, "params": []},
    "a list of lists": {"data": [[["x"]]], "params": {"counts": [1]}},
    "keys that are none": {
        "data": [{"kind": "X", "id": 1, "key": 5, "keys": [], "progress": "x", "error": [], "state": {}}]
    },
    "a record that is none": {
        "data": {"kind": "X", "id": None, "key": None, "keys": "x", "relations": 3, "progress": []}
    },
}
IDS = {"string": "a b (1)", "int": "1", "path": "x/y", "default": "a b (1)"}


def saying(body: Any) -> Flask:
    """An orchestrator that says the same whatever it is asked."""
    app = Flask("nonsense")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def answer(path: str) -> Any:
        if isinstance(body, str):
            return Response(body, mimetype="text/html")
        return {"apiVersion": "0.1.0", "status": 200, **body}

    return app


def pages(grid: Portal) -> Iterator[tuple[Service, str]]:
    """Every address that can be read, with an id in each place for one."""
    for service, app in grid.apps.items():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            if rule.endpoint == "static_file" or "GET" not in (rule.methods or ()) or rule.endpoint.startswith("proxy"):
                continue
            values = {
                name: "1" if "Int" in type(converter).__name__ else "a b (1)"
                for name, converter in rule._converters.items()
            }
            yield service, adapter.build(rule.endpoint, values)


@pytest.mark.parametrize("name", NONSENSE)
def test_no_answer_is_a_mistake_of_the_portal(tmp_path: Path, name: str) -> None:
    grid = portal(tmp_path, saying(NONSENSE[name]))
    broken = []
    for service, address in pages(grid):
        with capture_logs() as lines:
            status = grid.visitor(service).get(address).status_code
        if status == 500:
            broken.append((service.value, address, [line.get("place") for line in lines if "place" in line]))

    assert broken == []


def test_what_is_no_json_is_no_orchestrator(tmp_path: Path) -> None:
    grid = portal(tmp_path, saying("<html>hello</html>"))

    for service, address in pages(grid):
        assert grid.visitor(service).get(address).status_code != 500, address


PLANTED = "planted-4711"


@pytest.mark.parametrize("path", ["/collaborations/new", "/sign-in"])
def test_a_log_has_nothing_of_what_was_typed_or_answered(tmp_path: Path, path: str) -> None:
    told = answering(
        ("POST /ttp/connect/collaborations", 400, {"message": PLANTED, "field": "collab_id"}),
        ("POST /ttp/tokens", 401, {"message": PLANTED}),
    )
    service = Service.NAV if path == "/sign-in" else Service.VIEW
    grid = portal(tmp_path, told)

    with capture_logs() as lines:
        visitor = grid.visitor(service)
        answer = visitor.send(path, {"collab_id": PLANTED, "name": PLANTED, "password": PLANTED})
        visitor.post(path, {"collab_id": PLANTED, "csrf_token": PLANTED})

    assert answer.status_code == 422
    assert PLANTED not in str(lines)
