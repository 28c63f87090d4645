"""Links to pages by the name of their endpoint, be they of this service or of another: whoever links need not know which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urlencode

from flask import Flask, current_app, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from synergos_portal.services import Place, Service
from synergos_portal.web import ids
from synergos_portal.web.family import Family

_LINKS = "synergos_links"


class Links:
    """Where every page of all three services is.

    Args:
        own: the service whose pages have plain paths.
    """

    def __init__(self, own: Service, places: Mapping[Service, Place], families: Sequence[Family]) -> None:
        self._own = own
        self._places = places
        self._services = {family.blueprint.name: family.service for family in families}
        self._map = _all_pages(tuple(families))
        self._endpoints = {rule.endpoint for rule in self._map.iter_rules()}

    def to(self, endpoint: str, values: Mapping[str, Any]) -> str:
        """The address of a page."""
        service = self._services.get(endpoint.partition(".")[0], self._own)
        if service is self._own:
            return url_for(endpoint, **values)
        return self.origin(service) + self._map.bind("portal").build(endpoint, dict(values))

    def at(self, path: str) -> str | None:
        """The address of the page with a path, whichever service has it; None where none has."""
        try:
            endpoint, _values = self._map.bind("portal").match(path)
        except HTTPException:
            return None
        service = self._services.get(str(endpoint).partition(".")[0], self._own)
        return path if service is self._own else self.origin(service) + path

    def has(self, endpoint: str) -> bool:
        """Whether there is such a page."""
        return endpoint in self._endpoints

    def origin(self, service: Service) -> str:
        """The beginning of every address of a service, as this browser reaches it."""
        return self._places[service].origin(request.scheme, host_of(request.host))


def install(app: Flask, own: Service, places: Mapping[Service, Place], families: Sequence[Family]) -> None:
    """Have pages of an application link by ``link(endpoint, **values)``."""
    app.extensions[_LINKS] = Links(own, places, families)
    app.jinja_env.globals.update(link=link, origin=origin, there_is=there_is, here=here, with_arguments=with_arguments)


def there_is(endpoint: str) -> bool:
    """Whether any service has such a page."""
    return _links().has(endpoint)


def page_at(*parts: str) -> str | None:
    """The address of the page at a path, given by its parts as they are; None where there is no such page."""
    return _links().at("/" + "/".join(quote(part, safe="") for part in parts))


def link(endpoint: str, **values: object) -> str:
    """The address of a page of any service; values that are None are left out."""
    return _links().to(endpoint, {name: value for name, value in values.items() if value is not None})


def origin(service: str) -> str:
    """The beginning of every address of a service."""
    return _links().origin(Service(service))


def go_to(endpoint: str, **values: object) -> Response:
    """The answer to a change: the browser reads the page that shows what came of it."""
    return redirect(link(endpoint, **values), HTTPStatus.SEE_OTHER)


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
