"""Registrations as rows of a table: what is shown of each, put together at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from synergos_portal.orchestrator.participants import PURPOSES, Registration
from synergos_portal.web.filters import number
from synergos_portal.web.links import links_to


class Row(NamedTuple):
    """What a table shows of a registration, in the reader's language and in this order.

    Attributes:
        counts: of the folders that it brings, by purpose.
        tags: the address of the page on which data is named.
    """

    address: str
    title: str
    nodes: str
    counts: list[str]
    is_aligned: bool
    tags: str
    project_id: str


def rows(registrations: Iterable[Registration]) -> list[Row]:
    """A row for each registration."""
    figure = number.for_reader()
    ids = ("collab_id", "project_id", "participant_id")
    address, tags = links_to("participants.registration", *ids), links_to("participants.tags", *ids)
    return [
        Row(
            address(*each.place.ids),
            f"{each.place.collab_id} / {each.place.project_id}",
            ", ".join(worker.address for worker in each.workers),
            [figure(each.count(purpose)) for purpose in PURPOSES],
            each.is_aligned,
            tags(*each.place.ids),
            each.place.project_id,
        )
        for each in registrations
    ]
