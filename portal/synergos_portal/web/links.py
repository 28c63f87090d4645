"""Links to pages by the name of their endpoint, be they of this service or of another: whoever links need not know which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urlencode

from flask import Blueprint, Flask, current_app, redirect, request
from werkzeug import Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from synergos_portal.services import Place, Service
from synergos_portal.web import ids

_LINKS = "synergos_links"


@dataclass(frozen=True)
class Family:
    """Pages that belong together, and the service they belong to; their templates lie in a folder of the blueprint's name, unless they are one alone."""

    service: Service
    blueprint: Blueprint


class Links:
    """Where every page of all three services is.

    Args:
        own: the service whose pages have plain paths.
    """

    def __init__(self, own: Service, places: Mapping[Service, Place], families: Sequence[Family]) -> None:
        self._own = own
        self._places = places
        self._services = {family.blueprint.name: family.service for family in families}
        # Not by the application of the request: what it does besides takes as long again, and lists have a link in each row.
        self._pages = _all_pages(tuple(families)).bind("portal")

    def to(self, endpoint: str, values: Mapping[str, Any]) -> str:
        """The address of a page.

        Args:
            values: of its arguments; those that are None are left out.
        """
        return self._beginning(endpoint) + self._pages.build(endpoint, values)

    def at(self, path: str) -> str | None:
        """The address of the page with a path, whichever service has it; None where none has."""
        try:
            endpoint, _values = self._pages.match(path)
        except HTTPException:
            return None
        return self._beginning(str(endpoint)) + path

    def _beginning(self, endpoint: str) -> str:
        service = self._services.get(endpoint.partition(".")[0], self._own)
        return "" if service is self._own else self.origin(service)

    def origin(self, service: Service) -> str:
        """The beginning of every address of a service, as this browser reaches it."""
        return self._places[service].origin(request.scheme, host_of(request.host))


def install(app: Flask, own: Service, places: Mapping[Service, Place], families: Sequence[Family]) -> None:
    """Have pages of an application link by ``link(endpoint, **values)``."""
    app.extensions[_LINKS] = Links(own, places, families)
    app.jinja_env.globals.update(link=link, origin=origin, here=here, with_arguments=with_arguments)


def page_at(*parts: str) -> str | None:
    """The address of the page at a path, given by its parts as they are; None where there is no such page."""
    return _links().at("/" + "/".join(quote(part, safe="") for part in parts))


def link(endpoint: str, _anchor: str | None = None, **values: object) -> str:
    """The address of a page of any service, or of a place on it; values that are None are left out."""
    address = _links().to(endpoint, values)
    return address if _anchor is None else f"{address}#{quote(_anchor)}"


def origin(service: str) -> str:
    """The beginning of every address of a service."""
    return _links().origin(Service(service))


def go_to(endpoint: str, _anchor: str | None = None, **values: object) -> Response:
    """The answer to a change: the browser reads the page that shows what came of it."""
    return redirect(link(endpoint, _anchor, **values), HTTPStatus.SEE_OTHER)


def with_arguments(**changed: object) -> str:
    """The address of this very page with other arguments; those that are None are left out."""
    arguments = {**request.args.to_dict(flat=False), **changed}
    query = urlencode({name: value for name, value in arguments.items() if value is not None}, doseq=True)
    return f"{quote(request.path)}?{query}"


def here() -> str:
    """The path of this very page with its query as it was asked for, whatever is in it, with nothing that an address cannot have."""
    # What is encoded already stays so; bytes that are no text do too.
    query = quote(request.query_string, safe="%/?:@!$&'()*+,;=~")
    return f"{quote(request.path)}?{query}" if query else quote(request.path)


def is_own_path(path: str) -> bool:
    """Whether a path leads to no other site, whatever a browser makes of it."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


def host_of(asked: str) -> str:
    """The name a browser has asked by, without a port."""
    if asked.startswith("["):
        return asked[: asked.find("]") + 1]
    return asked.partition(":")[0]


def _links() -> Links:
    return cast(Links, current_app.extensions[_LINKS])


@cache
def _all_pages(families: tuple[Family, ...]) -> Map:
    """The paths of all families, by an application that answers none of them."""
    known = Flask("synergos_portal", static_folder=None)
    ids.install(known)
    for family in families:
        known.register_blueprint(family.blueprint)
    return Map(
        [rule.empty() for rule in known.url_map.iter_rules() if isinstance(rule, Rule)],
        converters=known.url_map.converters,
    )
