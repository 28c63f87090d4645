"""Grids: which TTPs there are, what they do, and how much waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response

from synergos.orchestration.grids import Broker, Grids, GridView
from synergos.records.paging import Page, Part
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.lists import described, wanted
from synergos.rest.representations import Representation
from synergos.rest.resource import Resource

_FIELDS = ("kind", "id", "grid", "ttp", "is_busy", "job", "joined")


def routes(grids: Grids) -> list[Route]:
    """The routes below ``/ttp``."""
    return [Route("Grids", GridCollection, grids, ("/grids",), "grids", parameters=described({}))]


class GridCollection(Resource):
    """The sub-grids of a cluster that have a TTP, or the one grid there is."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def __init__(self, api: object, grids: Grids) -> None:
        super().__init__(api)
        self.grids = grids

    def get(self) -> Response:
        """Say of each what it is doing; ``broker`` has how much waits in the queues of a cluster."""
        list_of = wanted("grids", {}, _FIELDS)
        found = self.grids.find(caller())

        def read(page: Page) -> Part[Representation]:
            rest = [view for view in _ordered(found, page) if page.begins_before(_number(view))]
            shown = rest[: page.limit]
            after = _number(shown[-1]) if len(shown) < len(rest) else None
            return Part([_representation(view) for view in shown], after)

        return list_of.answer(read, more={"broker": _of_broker(self.grids.broker())})


def _ordered(found: list[GridView], page: Page) -> list[GridView]:
    return found[:: -1 if page.newest_first else 1]


def _number(view: GridView) -> int:
    return 1 if view.index is None else view.index + 1


def _representation(view: GridView) -> dict[str, object]:
    job = view.job
    return {
        "kind": "Grid",
        "id": view.ttp,
        "grid": view.index,
        "ttp": view.ttp,
        "is_busy": view.is_busy,
        "job": None
        if job is None
        else {
            "id": job.id,
            "stage": job.stage.value,
            "keys": job.keys.to_dict(),
            "started_at": None if job.started_at is None else job.started_at.isoformat(),
        },
        "joined": view.joined,
    }


def _of_broker(broker: Broker | None) -> dict[str, object] | None:
    if broker is None:
        return None
    queues = {
        name: {"messages": depth.messages, "consumers": depth.consumers}
        for name, depth in (broker.queues or {}).items()
    }
    return {"is_reachable": broker.queues is not None, "queues": queues}
