"""Removals: files of what was deleted that are not gone yet, as their place is away, and the end of waiting for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response

from synergos.domain.keys import ResultKey
from synergos.orchestration.deletions import Deletions
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import Filter, described, wanted
from synergos.rest.representations import represent_removal
from synergos.rest.resource import Resource

_FILTERS = dict.fromkeys(
    ResultKey.fields(), Filter("an id of what was deleted, or of the participant at whose worker it is")
)
_FIELDS = ("kind", "id", "key", "purpose", "place", "address", "grid", "deleted_at", "tried_at", "reason")


def routes(deletions: Deletions) -> list[Route]:
    """The routes below ``/ttp``."""
    return [
        Route("Removals", RemovalCollection, deletions, ("/removals",), "removals", parameters=described(_FILTERS)),
        Route("Removal", SingleRemoval, deletions, ("/removals/<removal_id>",), "removals"),
    ]


class RemovalCollection(Resource):
    """All that is still to be removed."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def __init__(self, api: object, deletions: Deletions) -> None:
        super().__init__(api)
        self.deletions = deletions

    def get(self) -> Response:
        """List it: of what, where, since when, and why not yet; query parameters choose among it."""
        list_of = wanted("removals", _FILTERS, _FIELDS)
        who = caller()
        return list_of.answer(lambda page: self.deletions.undone(who, list_of.filters, page).map(represent_removal))


class SingleRemoval(Resource):
    """Files at one place that are still to be removed."""

    def __init__(self, api: object, deletions: Deletions) -> None:
        super().__init__(api)
        self.deletions = deletions

    def delete(self, removal_id: str) -> Response:
        """Try it no more: the files stay where they are."""
        return success("removal.delete", represent_removal(self.deletions.forget(caller(), removal_id)))
