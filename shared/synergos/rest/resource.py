"""The HTTP side of all routes: ids in, bodies in, envelopes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import flask_restx
from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.errors import InvalidRequest, UnknownName
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.view import View
from synergos.records.paging import Page, Part
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import key_filters, wanted
from synergos.rest.representations import Representation, represent_declared, represent_files, representation

KEEP_FILES = "keep_files"
"""The query parameter of a deletion that leaves files where they are."""

ABOUT_DELETING: dict[str, Any] = {
    "delete": {"params": {KEEP_FILES: {"in": "query", "description": "true: files of it stay where they are"}}}
}


class Resource(flask_restx.Resource):  # type: ignore[misc]
    """One route; the ids in its URL are usable before a method sees them.

    Attributes:
        query_of: the methods that read the query parameters, with those they know; None where they check them themselves.
    """

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {}

    def dispatch_request(self, **ids: str) -> Any:
        """Answer the request at hand.

        Raises:
            InvalidRequest: an id in the URL cannot be one, or a query parameter would be without effect.
        """
        check_query(self.query_of.get("GET" if request.method == "HEAD" else request.method, ()))
        for field, value in ids.items():
            # The name of a file is looked up among those there are, whatever it is; so is the number of a training.
            if field not in {"name", "version"}:
                check_identifier(value, field)
        return super().dispatch_request(**ids)


def is_wanted(parameter: str) -> bool:
    """Whether a query parameter of the request at hand says ``true``; false without it.

    Raises:
        InvalidRequest: it says something else than ``true`` or ``false``.
    """
    said = request.args.get(parameter, "false")
    if said not in {"true", "false"}:
        raise InvalidRequest("expected true or false", parameter)
    return said == "true"


def check_query(known: Iterable[str] | None) -> None:
    """Refuse query parameters of the request at hand that would be without effect.

    Args:
        known: those that mean something; None where whoever reads them knows.

    Raises:
        InvalidRequest: names the parameter.
    """
    listed = None if known is None else sorted(known)
    for name, values in request.args.lists():
        if listed is not None and name not in listed:
            raise UnknownName(name[:80], listed, name[:80], "a query parameter of this request", listed=listed)
        if len(values) > 1:
            raise InvalidRequest(f"expected it once, got it {len(values)} times", name[:80])


@dataclass(frozen=True)
class Declared:
    """The declared records of one kind, as routes and answers call them.

    Attributes:
        deletions: what deletes them.
        singular: what ``method`` says where one record is meant; ``plural`` where several may be.
    """

    records: Declarations[Any]
    deletions: Deletions
    singular: str
    plural: str


class _Declared(Resource):
    def __init__(self, api: object, declared: Declared) -> None:
        super().__init__(api)
        self.records = declared.records
        self.deletions = declared.deletions
        self.singular = declared.singular
        self.plural = declared.plural

    def listed(self, ids: dict[str, str], *, with_params: bool = True) -> Response:
        """The records below the ids of the URL that the query parameters choose."""
        list_of = wanted(self.plural, key_filters(self.records.kind, ids))
        around = list_of.wants("relations", "collaboration", "project", "participant")
        who, wanted_ids = caller(), {**ids, **list_of.filters}

        def read(page: Page) -> Part[Representation]:
            return self.records.find(who, wanted_ids, page, around=around).map(representation)

        return list_of.answer(read, with_params=with_params)


class Collection(_Declared):
    """All records below the ids of the URL, and the place where new ones are declared."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self, **ids: str) -> Response:
        """List them; query parameters choose among them."""
        return self.listed(ids)

    def post(self, **ids: str) -> Response:
        """Declare one; what was declared under the same id before is replaced."""
        view = self.records.declare(caller(), ids, json_object())
        return success(f"{self.plural}.post", represent_declared(view), 201, more=_warnings(view))


class Listing(_Declared):
    """The records that have the ids of the URL in their keys."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self, **ids: str) -> Response:
        """List them; query parameters choose among them."""
        return self.listed(ids, with_params=False)


class Single(_Declared):
    """One declared record."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"DELETE": (KEEP_FILES,)}
    __apidoc__: ClassVar[dict[str, Any]] = ABOUT_DELETING

    def get(self, **ids: str) -> Response:
        """Read it."""
        return success(f"{self.singular}.get", representation(self.records.read(caller(), ids)))

    def put(self, **ids: str) -> Response:
        """Replace the fields given, keep the others."""
        view = self.records.change(caller(), ids, json_object())
        return success(f"{self.singular}.put", representation(view), more=_warnings(view))

    def delete(self, **ids: str) -> Response:
        """Delete it with everything under it, and the files of that; the answer is the record as it was.

        Whatever is at work on it is cancelled first. ``files`` says where files were removed, and where they are still to be.
        """
        shown, files = self.deletions.delete(caller(), self.records.kind, ids, keep_files=is_wanted(KEEP_FILES))
        return success(f"{self.singular}.delete", representation(shown), more={"files": represent_files(files)})


class SingleDeclared(Single):
    """One record that is declared where it lies, as the URL says its whole key; it has no files of its own."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {}
    __apidoc__: ClassVar[dict[str, Any]] = {}

    def post(self, **ids: str) -> Response:
        """Declare it; what was declared before is replaced."""
        view = self.records.declare(caller(), ids, json_object())
        return success(f"{self.singular}.post", represent_declared(view), 201, more=_warnings(view))


def _warnings(view: View) -> dict[str, object]:
    return {"warnings": list(view.warnings)} if view.warnings else {}
