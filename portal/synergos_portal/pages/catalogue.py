"""The catalogue: which datasets participants have, what uses them, and where they differ, before anybody aligns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import catalogue
from synergos_portal.orchestrator.catalogue import FolderOfParticipant, Publication
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.web.current import client
from synergos_portal.web.listing import Column, Wanted, whole_list

pages = Blueprint("catalogue", __name__, url_prefix="/catalogue")


@dataclass(frozen=True)
class Row:
    """A folder in a project, for other programs."""

    publication: Publication
    folder: catalogue.Folder


COLUMNS: Sequence[Column[Row]] = (
    Column("participant_id", lambda row: row.publication.key.participant_id),
    Column("collab_id", lambda row: row.publication.key.collab_id),
    Column("project_id", lambda row: row.publication.key.project_id),
    Column("folder", lambda row: row.folder.name),
    Column("title", lambda row: row.folder.title),
    Column("datatype", lambda row: row.folder.datatype),
    Column("is_readable", lambda row: row.folder.is_readable),
    Column("rows_about", lambda row: row.folder.rows and row.folder.rows.about),
    Column("rows_fewer_than", lambda row: row.folder.rows and row.folder.rows.fewer_than),
    Column("columns", lambda row: {column.name: column.type for column in row.folder.columns}),
    Column("classes", lambda row: list(row.folder.classes)),
    Column("used_for", lambda row: list(row.folder.used_for)),
    Column("seen_at", lambda row: row.publication.seen_at),
)


@pages.get("")
def listed() -> ResponseReturnValue:
    """Folders by participant; of one project also where they differ."""
    wanted = Wanted.of_request("participant_id", "collab_id", "project_id")
    wanted = replace(wanted, order="oldest") if "order" not in request.args else wanted
    if (whole := whole_list(_rows, wanted, COLUMNS)) is not None:
        return whole
    found = catalogue.listed(client(), wanted.query)
    collab_id, project_id = wanted.filters.get("collab_id"), wanted.filters.get("project_id")
    beside = catalogue.compared(client(), collab_id, project_id) if collab_id and project_id else None
    return render_template(
        "catalogue.html",
        name=None,
        found=found,
        wanted=wanted,
        folders=catalogue.by_folder(found.items),
        silent=_silent(found.items),
        projects=list(dict.fromkeys((each.key.collab_id, each.key.project_id) for each in found.items)),
        beside=beside,
    )


@pages.get("/<participant_id>/<path:path>")
def folder(participant_id: str, path: str) -> ResponseReturnValue:
    """One folder: what is published of it, and what uses it."""
    found = _folder(participant_id, tuple(path.split("/")))
    if found is None:
        # Somebody who is not there is a 404; a folder of which nothing is told is no mistake of whoever follows a link.
        client().record(dict, "connect", "participants", participant_id, query={"relations": "none"})
    elif request.args.get("format") == "json":
        return jsonify(found)
    return render_template("catalogue.html", found=found, participant_id=participant_id, name=path)


def _folder(participant_id: str, path: tuple[str, ...]) -> FolderOfParticipant | None:
    seen = catalogue.by_folder(catalogue.listed(client(), {"participant_id": participant_id}).items)
    return next((each for each in seen if each.folder.path == path), None)


def _rows(query: Query) -> Listing[Row]:
    found = catalogue.listed(client(), query)
    rows = [Row(publication, each) for publication in found.items for each in publication.folders]
    return Listing(rows, found.next, found.params)


def _silent(publications: Sequence[Publication]) -> list[Publication]:
    """Who publishes nothing, or could not be asked; each once."""
    quiet = [each for each in publications if not each.folders or each.problem]
    return list({each.key.participant_id: each for each in quiet}.values())
