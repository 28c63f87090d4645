"""Checking a request's body against a JSON Schema, with an answer that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.schema.explanation import explain


class Schema:
    """A named JSON Schema of a body.

    Args:
        name: what the documentation calls it.
        definition: the schema; it is not copied and must not change.
    """

    def __init__(self, name: str, definition: Mapping[str, Any]) -> None:
        self.name = name
        self.definition = definition

    @property
    def defaults(self) -> dict[str, Any]:
        """What fields are when they are left out, for those where the schema says."""
        properties: Mapping[str, Mapping[str, Any]] = self.definition["properties"]
        return {name: field["default"] for name, field in properties.items() if "default" in field}

    def check(self, body: object) -> None:
        """Refuse a body that does not fit.

        Raises:
            InvalidRequest: the first field that does not, and what was expected.
        """
        if error := explain(self.definition, body):
            raise error
