"""The way to the pages of what is declared: what each lies in, as links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, flash
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.declared import Spot
from synergos_portal.web.links import go_to, link
from synergos_portal.web.words import _

_FAMILIES = ("collaborations", "projects", "experiments", "runs")


@dataclass(frozen=True)
class Step:
    """A link of the way."""

    text: str
    address: str


def install(app: Flask) -> None:
    """Have templates of an application show it by ``parts.crumbs(way_to(spot))``."""
    app.jinja_env.globals["way_to"] = way_to


def way_to(spot: Spot | None) -> Sequence[Step]:
    """What a place lies in, outermost first, with itself at the end."""
    places = [] if spot is None else [Spot(spot.ids[: depth + 1]) for depth in range(len(spot.ids))]
    return [Step(_("Collaborations"), address_of(Spot())), *(Step(each.id, address_of(each)) for each in places)]


def address_of(spot: Spot, page: str = "show") -> str:
    """The address of a page of a place; of the whole grid, that of all collaborations."""
    return link(_endpoint(spot, page), **spot.key)


def lead_to(spot: Spot, warnings: Sequence[str] = ()) -> ResponseReturnValue:
    """The answer to a change: the page of what was changed, which says what was warned of."""
    for text in warnings:
        flash(text)
    return go_to(_endpoint(spot, "show"), **spot.key)


def _endpoint(spot: Spot, page: str) -> str:
    return f"{_FAMILIES[len(spot.ids) - 1]}.{page}" if spot.ids else "collaborations.listed"
