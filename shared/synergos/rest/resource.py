"""The HTTP side of all routes: ids in, bodies in, envelopes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import flask_restx
from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.errors import InvalidRequest, UnknownName
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.terms import Terms
from synergos.orchestration.view import Relations, View
from synergos.records.paging import Page, Part
from synergos.rest import request_ledger
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import PARAMETERS, RELATIONS, key_filters, relations_wanted, wanted
from synergos.rest.representations import Representation, represent_declared, represent_files, representation

CHECK = "check"
"""The query parameter of a request that is only tried: all is checked and answered, and nothing stays."""

KEEP_FILES = "keep_files"
"""The query parameter of a deletion that leaves files where they are."""

ABOUT_CHECKING = {
    CHECK: {"in": "query", "description": "true: check everything, answer as if it were done, and do nothing"}
}
_IF_MATCH = {
    "in": "header",
    "description": "the ETag that was read: only if nothing has been changed since, else 412 with what has",
}
_IF_NONE_MATCH = {"in": "header", "description": "*: only if there is none yet, else 412"}
ABOUT_DECLARING: dict[str, object] = {
    "post": {"params": {**ABOUT_CHECKING, "If-None-Match": _IF_NONE_MATCH, "If-Match": _IF_MATCH}},
    "put": {"params": {**ABOUT_CHECKING, "If-Match": _IF_MATCH}},
}
ABOUT_DELETING: dict[str, object] = {
    "delete": {"params": {KEEP_FILES: {"in": "query", "description": "true: files of it stay where they are"}}}
}


ABOUT_READING: dict[str, object] = {
    "get": {"params": {RELATIONS: {"in": "query", "description": PARAMETERS[RELATIONS]}}}
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


def terms_of_request() -> Terms:
    """The terms on which the request at hand changes something: ``check``, ``If-Match`` and ``If-None-Match``.

    Raises:
        InvalidRequest: they say something that would be without effect.
    """
    new, seen = request.if_none_match, request.if_match
    has_new, has_seen = (name in request.headers for name in ("If-None-Match", "If-Match"))
    if has_new and not (new.star_tag and request.method == "POST"):
        raise InvalidRequest("expected * with POST, and nothing otherwise", "If-None-Match")
    # What follows a semicolon tells answers apart that show the same record with other things around it.
    revisions = None if seen.star_tag or not has_seen else [str(tag).partition(";")[0] for tag in seen.as_set()]
    return Terms(is_wanted(CHECK), has_new, bool(seen.star_tag), revisions)


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
        relations = list_of.relations if list_of.wants("relations") else Relations.NONE
        who, wanted_ids = caller(), {**ids, **list_of.filters}

        def read(page: Page) -> Part[Representation]:
            found = self.records.find(who, wanted_ids, page, around=around, relations=relations)
            return found.map(representation)

        return list_of.answer(read, with_params=with_params)

    def declared(self, name: str, ids: dict[str, str]) -> Response:
        """The answer to a declaration, whose record is called so in ``method``."""
        terms = terms_of_request()
        view = self.records.declare(caller(), ids, json_object(), terms)
        request_ledger.about(view.record["key"])
        verb, status = ("check", HTTPStatus.OK) if terms.is_rehearsal else ("post", HTTPStatus.CREATED)
        return self.told(f"{name}.{verb}", view, represent_declared(view), status)

    def told(self, method: str, view: View, shown: Representation, status: int = HTTPStatus.OK) -> Response:
        """The answer with a single record, and its revision, by which it can be changed on condition."""
        revision = self.records.revision(view.record)
        more = {"revision": revision, **_warnings(view)}
        return success(method, shown, status, headers={"ETag": f'"{revision}"'}, more=more)


class Collection(_Declared):
    """All records below the ids of the URL, and the place where new ones are declared."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None, "POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {"post": ABOUT_DECLARING["post"]}

    def get(self, **ids: str) -> Response:
        """List them; query parameters choose among them."""
        return self.listed(ids)

    def post(self, **ids: str) -> Response:
        """Declare one; what was declared under the same id before is replaced."""
        return self.declared(self.plural, ids)


class Listing(_Declared):
    """The records that have the ids of the URL in their keys."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self, **ids: str) -> Response:
        """List them; query parameters choose among them."""
        return self.listed(ids, with_params=False)


class Single(_Declared):
    """One declared record."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {
        "GET": (RELATIONS,),
        "PUT": (CHECK,),
        "DELETE": (KEEP_FILES,),
    }
    __apidoc__: ClassVar[dict[str, object]] = {**ABOUT_READING, "put": ABOUT_DECLARING["put"], **ABOUT_DELETING}

    def get(self, **ids: str) -> Response:
        """Read it."""
        view = self.records.read(caller(), ids, relations_wanted(request.args))
        return self.told(f"{self.singular}.get", view, representation(view))

    def put(self, **ids: str) -> Response:
        """Replace the fields given, keep the others."""
        terms = terms_of_request()
        view = self.records.change(caller(), ids, json_object(), terms)
        verb = "check" if terms.is_rehearsal else "put"
        return self.told(f"{self.singular}.{verb}", view, representation(view))

    def delete(self, **ids: str) -> Response:
        """Delete it with everything under it, and the files of that; the answer is the record as it was.

        Whatever is at work on it is cancelled first. ``files`` says where files were removed, and where they are still to be.
        """
        keep_files, terms = is_wanted(KEEP_FILES), terms_of_request()
        shown, files = self.deletions.delete(caller(), self.records.kind, ids, keep_files=keep_files, terms=terms)
        return success(f"{self.singular}.delete", representation(shown), more={"files": represent_files(files)})


class SingleDeclared(Single):
    """One record that is declared where it lies, as the URL says its whole key; it has no files of its own."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": (RELATIONS,), "POST": (CHECK,), "PUT": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {**ABOUT_READING, **ABOUT_DECLARING}

    def post(self, **ids: str) -> Response:
        """Declare it; what was declared before is replaced."""
        return self.declared(self.singular, ids)


class Invitation(SingleDeclared):
    """An invitation, which has nothing that could be changed: it is given, asked for and taken back."""

    methods: ClassVar[set[str]] = {"GET", "POST", "DELETE"}


def _warnings(view: View) -> dict[str, object]:
    return {"warnings": list(view.warnings)} if view.warnings else {}
