"""Links to pages by the name of their endpoint, be they of this service or of another: whoever links need not know which. And the way there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

from flask import Blueprint, Flask, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug import Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, BuildError, Map, Rule, ValidationError

from synergos_portal.orchestrator.declared import Spot
from synergos_portal.services import Place, Service
from synergos_portal.web.words import _

_LINKS = "synergos_links"
_DECLARED = ("collaborations", "projects", "experiments", "runs")
WORDS = frozenset({"new"})
"""What stands in an address in the place of an id, and means a page."""
_PLAIN = "!$&'()*+,/:;=@"
"""What werkzeug leaves as it is in a path, beside letters and digits."""
_LONGEST = 8192
_encodes = re.compile(f"[^A-Za-z0-9_.~{_PLAIN}-]").search
"""Whether there is anything in a text that has to be encoded: an id hardly ever has, and the library takes ten times as long to find out."""
_LOOKED_UP = frozenset({None, *WORDS})
"""Values by which another rule may hold than with others."""


@dataclass(frozen=True)
class Family:
    """Pages that belong together, and the service they belong to."""

    service: Service
    blueprint: Blueprint


@dataclass(frozen=True)
class Step:
    """A link of the way."""

    text: str
    address: str


class OwnId(BaseConverter):
    """An id at the end of an address, but for those that are such a word: they have ``=`` before them, which begins no id."""

    def to_python(self, value: str) -> str:
        """The id in an address; none where it means a page."""
        if value in WORDS:
            raise ValidationError
        return value

    def to_url(self, value: str) -> str:
        """The id as an address has it."""
        if value in WORDS:
            raise ValidationError
        return super().to_url(value)


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
        self._forms: dict[tuple[str, ...], _Form | None] = {}

    def to(self, endpoint: str, values: Mapping[str, object]) -> str:
        """The address of a page.

        Args:
            values: of its arguments; those that are None are left out.
        """
        form = self._form(endpoint, *values)
        if form is None or not _LOOKED_UP.isdisjoint(values.values()):
            return self._beginning(endpoint) + self._pages.build(endpoint, values)
        return self._beginning(endpoint) + form.of(values)

    def each(self, endpoint: str, *names: str) -> Callable[..., str]:
        """Makes addresses of a page by its arguments, in this order: what rows of a list have in common is looked up once."""
        form, beginning = self._form(endpoint, *names), self._beginning(endpoint)
        if form is None:
            return lambda *values: self.to(endpoint, dict(zip(names, values, strict=True)))
        begins, places = beginning + form.begins, [(names.index(name), after) for name, after in form.values]

        def made(*values: str) -> str:
            if not _LOOKED_UP.isdisjoint(values) or _encodes("".join(values)) is not None:
                return self.to(endpoint, dict(zip(names, values, strict=True)))
            return begins + "".join([values[place] + after for place, after in places])

        return made

    def at(self, path: str) -> str | None:
        """The address of the page with a path, whichever service has it; None where none has."""
        try:
            endpoint, _values = self._pages.match(path)
        except HTTPException:
            return None
        return self._beginning(str(endpoint)) + path

    def _form(self, endpoint: str, *names: str) -> _Form | None:
        """The path of a page with values of these names left open; None where they are not all in the path."""
        asked = (endpoint, *names)
        # Two threads that find out at the same time find the same.
        if asked not in self._forms:
            self._forms[asked] = _Form.of_path(self._path_with_marks(endpoint, names), names)
        return self._forms[asked]

    def _path_with_marks(self, endpoint: str, names: Sequence[str]) -> str:
        try:
            return self._pages.build(endpoint, {name: _mark(number) for number, name in enumerate(names)})
        except (BuildError, ValueError):
            # The latter where a number is wanted.
            return ""

    def _beginning(self, endpoint: str) -> str:
        service = self._services.get(endpoint.partition(".")[0], self._own)
        return "" if service is self._own else self.origin(service)

    def origin(self, service: Service) -> str:
        """The beginning of every address of a service, as this browser reaches it."""
        return self._places[service].origin(request.scheme, host_of(request.host))


@dataclass(frozen=True)
class _Form:
    """A path with values left open, as it takes a quarter of the time to fill them in as to look for the rule again.

    Attributes:
        begins: what is before the first of them.
        values: the name of each, and what follows it.
    """

    begins: str
    values: Sequence[tuple[str, str]]

    @classmethod
    def of_path(cls, path: str, names: Sequence[str]) -> _Form | None:
        """The form of a path that has a mark in the place of each value; None where one is in its query, or not there."""
        places = sorted((path.find(_mark(number)), number) for number in range(len(names)))
        if not path or "?" in path or any(place < 0 for place, _number in places):
            return None
        begins, *others = re.split("|".join(map(_mark, range(len(names)))), path) if names else [path]
        return cls(begins, [(names[number], after) for (_place, number), after in zip(places, others, strict=True)])

    def of(self, values: Mapping[str, object]) -> str:
        """The path with these values."""
        return self.begins + "".join([_encoded(str(values[name])) + after for name, after in self.values])


def _encoded(value: str) -> str:
    """A value as a path has it."""
    return value if _encodes(value) is None else quote(value, safe=_PLAIN)


def _mark(number: int) -> str:
    # Letters that no path has otherwise, and that no value needs to be encoded for.
    return f"qzxj{number}jxzq"


def install(app: Flask, own: Service, places: Mapping[Service, Place], families: Sequence[Family]) -> None:
    """Have pages of an application link by ``link(endpoint, **values)``, and know ids in addresses as ``<own_id:…>``."""
    app.extensions[_LINKS] = Links(own, places, families)
    app.url_map.converters["own_id"] = OwnId
    app.jinja_env.globals.update(link=link, origin=origin, here=here, with_arguments=with_arguments, way_to=way_to)


def page_at(*parts: str) -> str | None:
    """The address of the page at a path, given by its parts as they are; None where there is no such page."""
    return _links().at("/" + "/".join(quote(part, safe="") for part in parts))


def link(endpoint: str, _anchor: str | None = None, **values: object) -> str:
    """The address of a page of any service, or of a place on it; values that are None are left out."""
    address = _links().to(endpoint, values)
    return address if _anchor is None else f"{address}#{quote(_anchor)}"


def links_to(endpoint: str, *names: str) -> Callable[..., str]:
    """Makes addresses of a page of any service by its arguments, in this order, as :func:`link` does: for rows of a list."""
    return _links().each(endpoint, *names)


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
    """Whether a path leads to no other site, whatever a browser makes of it, and is one that a browser could have asked for."""
    return len(path) <= _LONGEST and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


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
    known.url_map.converters["own_id"] = OwnId
    for family in families:
        known.register_blueprint(family.blueprint)
    return Map(
        [rule.empty() for rule in known.url_map.iter_rules() if isinstance(rule, Rule)],
        converters=known.url_map.converters,
    )


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
    return f"{_DECLARED[len(spot.ids) - 1]}.{page}" if spot.ids else "collaborations.listed"
