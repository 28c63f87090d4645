"""What the command port's OpenAPI document says beside the routes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_restx import Api, Resource

from synergos.schema import Definition
from synergos.schema.swagger import FAILURES, answers, in_swagger

_SUCCESSES = {"200": "done", "201": "done just now", "202": "going on; ask again"}
_FAILURES = {**FAILURES, "422": "the participant's data is wrong"}


def describe(api: Api, resource: type[Resource], body: Definition[Any], query: Mapping[str, str]) -> None:
    """Document what a resource takes and answers.

    Args:
        body: of a POST.
        query: the parameters of a GET, with what they are.
    """
    success, failure = answers(api)
    responses = {status: (text, success) for status, text in _SUCCESSES.items()}
    responses |= {status: (text, failure) for status, text in _FAILURES.items()}
    parameters = {name: {"description": text, "in": "query"} for name, text in query.items()}
    model = api.schema_model(body.name, in_swagger(body.json_schema))
    api.doc(responses=responses, post={"expect": [model]}, get={"params": parameters})(resource)
