"""Everything that is answered is in Swagger: each route and method, with the query parameters it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask

from fakes.orchestration import CannedDispatcher
from synergos.records import RecordStore
from synergos.rest.app import create_app, create_status_app
from synergos.rest.lists import PARAMETERS

_OWN = re.compile(r"swagger\.json$|^/swaggerui/|/docs$|^/ttp/$")
"""The documentation itself; and ``/ttp/``, which has no answer."""


def answered(app: Flask) -> Iterator[tuple[str, str, set[str] | None]]:
    """Route, method, and the query parameters; None where whoever reads them knows."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).rstrip("/") or "/"
        resource = getattr(app.view_functions[rule.endpoint], "view_class", None)
        if resource is None or _OWN.search(rule.rule):
            continue
        query: dict[str, Any] = getattr(resource, "query_of", {})
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            known = query.get(method, ())
            yield path, method, None if known is None else set(known)


def documented(app: Flask) -> dict[tuple[str, str], set[str]]:
    found = {}
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.rule.endswith("/swagger.json"):
            told = client.get(rule.rule).get_json()
            base = told["basePath"].rstrip("/")
            for path, methods in told["paths"].items():
                for method, about in methods.items():
                    if method != "parameters":
                        query = {each["name"] for each in about.get("parameters", []) if each.get("in") == "query"}
                        found[f"{base}{path}".rstrip("/") or "/", method.upper()] = query
    return found


def undocumented(app: Flask) -> list[tuple[str, str, object]]:
    told = documented(app)
    return [
        (path, method, query)
        for path, method, query in answered(app)
        if (path, method) not in told or not (told[path, method] if query is None else query <= told[path, method])
    ]


def test_everything_an_orchestrator_answers_is_documented(store: RecordStore) -> None:
    app = create_app(store, CannedDispatcher(store), component_id="t")

    told = documented(app)
    assert undocumented(app) == []
    for route in ("/", "/health", "/bandwidth", "/ttp/jobs", "/ttp/studies", "/ttp/studies/{study_id}", "/ttp/nodes"):
        assert (route, "GET") in told
    assert told["/ttp/nodes", "GET"] == {"collab_id", "project_id", "participant_id", *PARAMETERS}


def test_everything_a_clusters_ttp_answers_is_documented(store: RecordStore) -> None:
    app = create_status_app(store, component="ttp", component_id="t", status=dict)

    assert undocumented(app) == []
    assert ("/ttp/nodes", "GET") in documented(app)
