"""Blueprints with Swagger documentation, made from a table of routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flask_restx
from flask import Blueprint, Response

from synergos.program.api_version import API_VERSION
from synergos.rest.errors import answer
from synergos.rest.resource import Resource
from synergos.schema import Definition
from synergos.schema.swagger import FAILURES, answers, in_swagger


@dataclass(frozen=True)
class Route:
    """One resource and where it lies.

    Attributes:
        name: what it is called in the documentation and inside Flask.
        resource: what answers; it is made with ``handler``.
        urls: without trailing slash; both forms are answered.
        tag: the heading it is documented under.
        schema: what the bodies it takes look like.
        parameters: query parameters, by name, with what they are.
    """

    name: str
    resource: type[Resource]
    handler: object
    urls: tuple[str, ...]
    tag: str
    schema: Definition[Any] | None = None
    parameters: dict[str, str] = field(default_factory=dict)


class _Api(flask_restx.Api):  # type: ignore[misc]
    def handle_error(self, error: Exception) -> Response:
        return answer(error)


_SIGNING_IN: Mapping[str, object] = {
    "authorizations": {
        "basic": {"type": "basic", "description": "an account's name and password"},
        "bearer": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Bearer, a blank, and a token",
        },
    },
    "security": ["basic", "bearer"],
}
_TURNED_AWAY = {
    "401": "whoever asks has not signed in",
    "403": "it is another's",
    "429": "too many attempts to sign in were wrong; Retry-After says when to try again",
}


def blueprint(
    name: str, prefix: str, title: str, routes: Sequence[Route], documentation: str = "/", *, has_accounts: bool = False
) -> Blueprint:
    """A blueprint whose documentation lies at ``prefix + documentation``, and its ``swagger.json`` below ``prefix``."""
    made = Blueprint(name, __name__, url_prefix=prefix)
    signing_in = _SIGNING_IN if has_accounts else {}
    api: Any = _Api(
        made, version=API_VERSION, title=title, doc=documentation, default_mediatype="application/json", **signing_in
    )
    models = answers(api)
    tags = {tag: api.namespace(tag, path="/") for tag in dict.fromkeys(route.tag for route in routes)}
    for route in routes:
        tags[route.tag].add_resource(
            route.resource,
            *route.urls,
            endpoint=route.name.lower(),
            resource_class_args=(route.handler,),
            route_doc=_documentation(api, route, *models, _TURNED_AWAY if has_accounts else {}),
        )
    return made


def _documentation(
    api: Any, route: Route, success: object, failure: object, turned_away: Mapping[str, str]
) -> Mapping[str, object]:
    done = ("done", success)
    failures = {status: (text, failure) for status, text in {**FAILURES, **turned_away}.items()}
    described: dict[str, dict[str, object]] = {"responses": {"200": done, **failures}}
    posted: dict[str, object] = {"responses": {"201": done}}
    described |= {"post": posted, "put": {}}
    if route.schema is not None:
        whole = in_swagger(route.schema.json_schema)
        parts = {name: item for name, item in whole.items() if name != "required"}
        posted["expect"] = [api.schema_model(route.schema.name, whole)]
        described["put"]["expect"] = [api.schema_model(f"{route.schema.name}Changes", parts)]
    if route.parameters:
        parameters = {name: {"description": text, "in": "query"} for name, text in route.parameters.items()}
        described["get"] = {"params": parameters}
    return described
