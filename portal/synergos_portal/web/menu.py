"""The menu in the header: the same on every page of every service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, request

from synergos_portal.services import Service
from synergos_portal.web import current, words
from synergos_portal.web.links import link, origin
from synergos_portal.web.words import lazy


@dataclass(frozen=True)
class Entry:
    """A link of the menu.

    Attributes:
        endpoint: the page it leads to.
        roles: to whom it is shown, where there are accounts.
    """

    text: str
    endpoint: str
    roles: frozenset[str] = frozenset({"orchestrator", "participant", "viewer"})


ENTRIES: Sequence[Entry] = (
    Entry(lazy("Home"), "home.home"),
    Entry(lazy("Collaborations"), "collaborations.listed"),
    Entry(lazy("Participants"), "participants.listed", frozenset({"orchestrator", "participant"})),
    Entry(lazy("Jobs"), "jobs.listed"),
    Entry(lazy("Studies"), "studies.listed"),
    Entry(lazy("Catalogue"), "catalogue.listed"),
    Entry(lazy("Station"), "station.station"),
    Entry(lazy("Status"), "status.status"),
)


@dataclass(frozen=True)
class Shown:
    """A link as a page has it."""

    text: str
    address: str
    is_here: bool


def install(app: Flask) -> None:
    """Have templates of an application show it by ``menu()``."""

    # The same for all who read a language and ask by a name, of which a browser says few.
    @lru_cache(32)
    def links(_language: str, _scheme: str, _host: str) -> list[tuple[str, str]]:
        return [(str(each.text), link(each.endpoint)) for each in ENTRIES]

    def shown() -> list[Shown]:
        here, role = (request.endpoint or "").partition(".")[0], current.role()
        return [
            Shown(text, address, each.endpoint.partition(".")[0] == here)
            for each, (text, address) in zip(ENTRIES, links(words.chosen(), request.scheme, request.host), strict=True)
            if role is None or role in each.roles
        ]

    app.jinja_env.globals.update(menu=shown, entry=entry)


def entry() -> str:
    """The address of the first page of all."""
    return "/" if current.service() is Service.NAV else f"{origin(Service.NAV)}/"
