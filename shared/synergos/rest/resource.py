"""The HTTP side of all routes: ids in, bodies in, envelopes out."""

from __future__ import annotations

from typing import Any

import flask_restx
from flask import Response

from synergos.domain.identifiers import check_identifier
from synergos.rest.body import json_object
from synergos.rest.declarations import Declarations
from synergos.rest.envelope import success


class Resource(flask_restx.Resource):  # type: ignore[misc]
    """One route; the ids in its URL are usable before a method sees them."""

    def dispatch_request(self, **ids: str) -> Any:
        """Answer the request at hand.

        Raises:
            InvalidRequest: an id in the URL cannot be one.
        """
        for field, value in ids.items():
            check_identifier(value, field)
        return super().dispatch_request(**ids)


class _Declared(Resource):
    def __init__(self, api: object, records: Declarations) -> None:
        super().__init__(api)
        self.records = records


class Collection(_Declared):
    """All records below the ids of the URL, and the place where new ones are declared."""

    def get(self, **ids: str) -> Response:
        """List them."""
        return success(f"{self.records.plural}.get", self.records.find(ids))

    def post(self, **ids: str) -> Response:
        """Declare one; what was declared under the same id before is replaced."""
        return success(f"{self.records.plural}.post", self.records.declare(ids, json_object()), 201)


class Listing(_Declared):
    """The records that have the ids of the URL in their keys."""

    def get(self, **ids: str) -> Response:
        """List them."""
        return success(f"{self.records.plural}.get", self.records.find(ids), with_params=False)


class Single(_Declared):
    """One declared record."""

    def get(self, **ids: str) -> Response:
        """Read it."""
        return success(f"{self.records.singular}.get", self.records.read(ids))

    def put(self, **ids: str) -> Response:
        """Replace the fields given, keep the others."""
        return success(f"{self.records.singular}.put", self.records.change(ids, json_object()))

    def delete(self, **ids: str) -> Response:
        """Delete it with everything under it; the answer is the record as it was."""
        return success(f"{self.records.singular}.delete", self.records.delete(ids))


class SingleDeclared(Single):
    """One record that is declared where it lies, as the URL says its whole key."""

    def post(self, **ids: str) -> Response:
        """Declare it; what was declared before is replaced."""
        return success(f"{self.records.singular}.post", self.records.declare(ids, json_object()), 201)
