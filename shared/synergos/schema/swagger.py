"""What the OpenAPI documents of all services have in common: the envelope of an answer, and bodies in Swagger's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from synergos.schema.definition import Definition

FAILURES: Mapping[str, str] = {
    "400": "the body is not JSON",
    "404": "what the URL names is not there",
    "409": "not in the present state",
    "417": "a field is wrong; the answer names it",
    "default": "something else is wrong",
}
"""What the statuses of answers that say why not mean."""

Flag = Annotated[int, Meta(ge=0, le=1, description="1 when it was done, else 0")]
Status = Annotated[int, Meta(description="the HTTP status, once more")]


class Success(Struct, frozen=True, kw_only=True, rename="camel"):
    """It was done."""

    api_version: str
    success: Flag
    status: Status
    method: Annotated[str, Meta(description="<resource>.<verb>")]
    params: Annotated[Mapping[str, object], Meta(description="the ids of the URL")]
    data: Annotated[Mapping[str, object] | list[object], Meta(description="one record, or a list of them")]


class Failure(Struct, frozen=True, kw_only=True, rename="camel"):
    """It was not done, and why."""

    api_version: str
    success: Flag
    status: Status
    message: Annotated[str, Meta(description="what is wrong, and what was expected")]
    field: Annotated[str | None, Meta(description="where it stands, as a path")] = None
    jobs: Annotated[list[str], Meta(description="the jobs that did not complete")] = []


_ENVELOPES = (Definition(Success), Definition(Failure))


def answers(api: Any) -> tuple[object, object]:
    """The models of both envelopes, in a flask-restx API."""
    return tuple(api.schema_model(each.name, each.json_schema) for each in _ENVELOPES)


def in_swagger(schema: Any) -> Any:
    """A JSON Schema without what Swagger 2.0 has no word for."""
    if isinstance(schema, list):
        return [in_swagger(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    patterns, examples = schema.get("patternProperties", {}), schema.get("examples")
    known = dict(schema)
    for keyword in ("patternProperties", "propertyNames"):
        known.pop(keyword, None)
    # It shows one. A mapping would be a property of that name.
    if isinstance(examples, list):
        known["example"] = known.pop("examples")[0]
    if known.pop("prefixItems", None):
        known["items"] = {}
    translated = {name: in_swagger(item) for name, item in known.items()}
    if patterns:
        translated["additionalProperties"] = in_swagger(next(iter(patterns.values())))
    return translated
