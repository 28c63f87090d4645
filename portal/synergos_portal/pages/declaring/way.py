"""The way to a page: what it lies in, as links."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.web.links import go_to, link
from synergos_portal.web.words import _

FAMILIES = ("collaborations", "projects", "experiments", "runs")


@dataclass(frozen=True)
class Step:
    """A link of the way."""

    text: str
    address: str


def way_to(spot: Spot) -> Sequence[Step]:
    """What a place lies in, outermost first, with itself at the end."""
    steps = [Step(_("Collaborations"), link("collaborations.listed"))]
    for depth in range(1, len(spot.ids) + 1):
        outer = Spot(spot.ids[:depth])
        steps.append(Step(outer.id, address_of(outer)))
    return steps


def family_of(spot: Spot) -> str:
    """Whose pages a place has."""
    return FAMILIES[len(spot.ids) - 1]


def address_of(spot: Spot, page: str = "show") -> str:
    """The address of a page of a place; of the whole grid, that of all collaborations."""
    return link(f"{family_of(spot)}.{page}", **spot.key) if spot.ids else link("collaborations.listed")


def is_json() -> bool:
    """Whether the record itself is asked for, for other programs."""
    return request.args.get("as") == "json"


def as_json(found: Declared) -> Response:
    """A record for other programs."""
    told = {"key": found.spot.key, **found.fields, "counts": dict(found.counts)}
    return Response(json.dumps(told, ensure_ascii=False) + "\n", mimetype="application/json")


def lead_to(spot: Spot) -> ResponseReturnValue:
    """The answer to a change: the page of what was changed."""
    return go_to(f"{family_of(spot)}.show", **spot.key) if spot.ids else go_to("collaborations.listed")
