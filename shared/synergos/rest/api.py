"""Blueprints with Swagger documentation, made from a table of routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flask_restx
from flask import Blueprint, Response

from synergos.rest.envelope import API_VERSION
from synergos.rest.errors import answer
from synergos.rest.resource import Resource
from synergos.rest.validation import Schema

_ENVELOPE: dict[str, Any] = {
    "apiVersion": {"type": "string"},
    "success": {"enum": [0, 1]},
    "status": {"type": "integer", "description": "the HTTP status, once more"},
}
_SUCCESS = {
    "type": "object",
    "properties": {
        **_ENVELOPE,
        "method": {"type": "string", "description": "<resource>.<verb>"},
        "params": {"type": "object", "description": "the ids of the URL"},
        "data": {"type": ["object", "array"], "description": "one record, or a list of them"},
    },
    "required": ["apiVersion", "success", "status", "method", "params", "data"],
}
_FAILURE = {
    "type": "object",
    "properties": {
        **_ENVELOPE,
        "message": {"type": "string", "description": "what is wrong, and what was expected"},
        "field": {"type": "string", "description": "where it stands, as a path"},
        "jobs": {"type": "array", "items": {"type": "string"}, "description": "the jobs that did not complete"},
    },
    "required": ["apiVersion", "success", "status", "message"],
}
_FAILURES = {
    "400": "the body is not JSON",
    "404": "a record that the URL names is not there",
    "409": "not in the present state",
    "417": "a field is wrong; the answer names it",
    "default": "something else is wrong",
}


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
    schema: Schema | None = None
    parameters: dict[str, str] = field(default_factory=dict)


class _Api(flask_restx.Api):  # type: ignore[misc]
    def handle_error(self, error: Exception) -> Response:
        return answer(error)


def blueprint(name: str, prefix: str, title: str, routes: Sequence[Route], documentation: str = "/") -> Blueprint:
    """A blueprint whose documentation lies at ``prefix + documentation``, and its ``swagger.json`` below ``prefix``."""
    made = Blueprint(name, __name__, url_prefix=prefix)
    api: Any = _Api(made, version=API_VERSION, title=title, doc=documentation, default_mediatype="application/json")
    models = {"Success": _SUCCESS, "Failure": _FAILURE}
    answers = {model: api.schema_model(model, definition) for model, definition in models.items()}
    tags = {tag: api.namespace(tag, path="/") for tag in dict.fromkeys(route.tag for route in routes)}
    for route in routes:
        tags[route.tag].add_resource(
            route.resource,
            *route.urls,
            endpoint=route.name.lower(),
            resource_class_args=(route.handler,),
            route_doc=_documentation(api, route, answers),
        )
    return made


def _documentation(api: Any, route: Route, answers: Mapping[str, object]) -> dict[str, Any]:
    success = ("done", answers["Success"])
    failures = {status: (text, answers["Failure"]) for status, text in _FAILURES.items()}
    described: dict[str, Any] = {"responses": {"200": success, **failures}}
    described |= {"post": {"responses": {"201": success}}, "put": {}}
    if route.schema is not None:
        whole = _in_swagger(dict(route.schema.definition))
        parts = {name: item for name, item in whole.items() if name != "required"}
        described["post"]["expect"] = [api.schema_model(route.schema.name, whole)]
        described["put"]["expect"] = [api.schema_model(f"{route.schema.name}Changes", parts)]
    if route.parameters:
        parameters = {name: {"description": text, "in": "query"} for name, text in route.parameters.items()}
        described["get"] = {"params": parameters}
    return described


def _in_swagger(schema: Any) -> Any:
    """A JSON Schema without what Swagger 2.0 has no word for."""
    if isinstance(schema, list):
        return [_in_swagger(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    patterns = schema.get("patternProperties", {})
    others = {name: _in_swagger(item) for name, item in schema.items() if name != "patternProperties"}
    return others | ({"additionalProperties": _in_swagger(next(iter(patterns.values())))} if patterns else {})
