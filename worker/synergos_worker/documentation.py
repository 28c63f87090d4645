"""What the command port's OpenAPI document says beside the routes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_restx import Api, Resource

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
        "data": {"type": "object"},
    },
    "required": ["apiVersion", "success", "status", "method", "params", "data"],
}
_FAILURE = {
    "type": "object",
    "properties": {
        **_ENVELOPE,
        "message": {"type": "string", "description": "what is wrong, and what was expected"},
        "field": {"type": ["string", "null"], "description": "where it stands, as a path"},
    },
    "required": ["apiVersion", "success", "status", "message", "field"],
}
_SUCCESSES = {"200": "done", "201": "done just now", "202": "going on; ask again"}
_FAILURES = {
    "400": "the body is not JSON",
    "404": "unknown",
    "409": "not in the present state",
    "417": "a field is wrong; the answer names it",
    "422": "the participant's data is wrong",
    "default": "something else is wrong",
}


def describe(api: Api, resource: type[Resource], schema: Mapping[str, Any], query: Mapping[str, str]) -> None:
    """Document what a resource takes and answers.

    Args:
        schema: of the body of a POST.
        query: the parameters of a GET, with what they are.
    """
    success, failure = api.schema_model("Success", _SUCCESS), api.schema_model("Failure", _FAILURE)
    responses = {status: (text, success) for status, text in _SUCCESSES.items()}
    responses |= {status: (text, failure) for status, text in _FAILURES.items()}
    parameters = {name: {"description": text, "in": "query"} for name, text in query.items()}
    body = api.schema_model(resource.__name__, dict(schema))
    api.doc(responses=responses, post={"expect": [body]}, get={"params": parameters})(resource)
