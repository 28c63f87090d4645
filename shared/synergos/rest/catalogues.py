"""The catalogue: what participants publish of their datasets, and where that differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from flask import Response

from synergos.domain.catalogue import FOLDER, PublishedColumn, PublishedFolder
from synergos.domain.catalogue_comparison import ColumnOfAll
from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.orchestration.catalogues import PATIENCE_SECONDS, CatalogueView, NodeCatalogue, PublishedCatalogues
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import Filter, described, wanted
from synergos.rest.resource import Resource

_FILTERS = dict.fromkeys(RegistrationKey.fields(), Filter("an id in the key of the registration"))
_FIELDS = ("kind", "key", "extent", "folders", "is_whole", "seen_at", "problem", "nodes")


def routes(catalogues: PublishedCatalogues) -> list[Route]:
    """The routes below ``/ttp``."""
    of_project = ("/catalogue/<collab_id>/<project_id>",)
    return [
        Route(
            "Catalogue", CatalogueCollection, catalogues, ("/catalogue",), "catalogue", parameters=described(_FILTERS)
        ),
        Route("CatalogueOfProject", CatalogueOfProject, catalogues, of_project, "catalogue"),
    ]


class _Catalogues(Resource):
    def __init__(self, api: object, catalogues: PublishedCatalogues) -> None:
        super().__init__(api)
        self.catalogues = catalogues


class CatalogueCollection(_Catalogues):
    """What participants publish."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self) -> Response:
        """List it by registration. No worker is asked more than every ten seconds, nor waited for more than two."""
        list_of = wanted("catalogue", _FILTERS, _FIELDS)
        who = caller()
        return list_of.answer_within(
            PATIENCE_SECONDS,
            lambda page, seconds: self.catalogues.find(who, list_of.filters, page, seconds).map(_representation),
        )


class CatalogueOfProject(_Catalogues):
    """What the participants of one project publish, side by side."""

    def get(self, **ids: str) -> Response:
        """Compare their columns, those of the folders that are tagged for training or, of who has tagged none, of all."""
        views, found = self.catalogues.compare(caller(), ProjectKey.of(ids))
        data = {
            "kind": "CatalogueComparison",
            "key": ids,
            "participants": [
                {
                    "participant_id": view.key.participant_id,
                    "extent": _extent(view),
                    "folders": [list(each.path) for each in found.folders[view.key.participant_id]],
                    "seen_at": _seen_at(view),
                    "problem": view.problem,
                }
                for view in views
            ],
            "columns": [_of_all(column) for column in found.columns],
            "differences": list(found.differences),
        }
        return success("catalogue.get", data)


def _representation(view: CatalogueView) -> dict[str, object]:
    published = view.published
    return {
        "kind": "Catalogue",
        "key": view.key.to_dict(),
        "extent": _extent(view),
        "folders": [] if published is None else [_folder(each, view) for each in published.folders],
        "is_whole": published is None or published.is_whole,
        "seen_at": _seen_at(view),
        "problem": view.problem,
        "nodes": [_node(each) for each in view.nodes],
    }


def _folder(folder: PublishedFolder, view: CatalogueView) -> dict[str, object]:
    """A folder, with all its fields."""
    used = [purpose.value for purpose, tags in view.tags.items() if folder.path in {tuple(tag) for tag in tags}]
    whole: dict[str, object] = {
        "datatype": folder.datatype,
        "purposes": [purpose.value for purpose in folder.purposes],
        "title": folder.title,
        "description": folder.description,
        "rows": None,
        "classes": [],
        "options": {},
        "is_readable": folder.is_readable,
    }
    columns = [_column(column) for column in folder.columns]
    return {**whole, **FOLDER.write(folder), "columns": columns, "used_for": used}


def _column(column: PublishedColumn) -> dict[str, object]:
    return {"name": column.name, "type": column.type, "unit": column.unit, "is_label": column.is_label}


def _of_all(column: ColumnOfAll) -> dict[str, object]:
    return {
        "name": column.name,
        "is_label": column.is_label,
        "by": {who: _column(each) for who, each in column.by.items()},
        "lacking": list(column.lacking),
        "differs": column.differs,
    }


def _node(node: NodeCatalogue) -> dict[str, object]:
    kept, published = node.kept, node.published
    return {
        "node": f"node_{node.index}",
        "extent": None if published is None else published.extent.value,
        "asked_at": _moment(None if kept is None else kept.asked_at),
        "seen_at": _moment(None if kept is None else kept.seen_at),
        "problem": None if kept is None else kept.problem,
    }


def _extent(view: CatalogueView) -> str | None:
    """How much is published; None where nobody knows."""
    return None if view.published is None else view.published.extent.value


def _seen_at(view: CatalogueView) -> str | None:
    newest = view.newest
    return _moment(None if newest is None or newest.kept is None else newest.kept.seen_at)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
