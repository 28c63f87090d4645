"""Lists over HTTP: all there is, or a page at a time; chosen by filters, with the fields that are wanted."""

from __future__ import annotations

import binascii
import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.errors import InvalidRequest, UnknownName
from synergos.orchestration.view import Relations
from synergos.records.paging import Page, Part
from synergos.rest.envelope import success
from synergos.rest.representations import Representation

Item = TypeVar("Item")

MAXIMUM_LIMIT = 1000
DEFAULT_LIMIT = 100
"""Of a page that a cursor asks for without saying how many."""
READ_AT_ONCE = 100
"""Items of a list that is answered whole."""
PARAMETERS: Mapping[str, str] = {
    "limit": f"the most items to answer with, 1 to {MAXIMUM_LIMIT}; without it all of them. The answer's next is where to go on",
    "cursor": "where to go on: the next of an earlier answer",
    "before": "the same of a list with the newest first, which it asks for",
    "order": "oldest (first; the default) or newest",
    "relations": "what hangs under each item: full (the default), counts (how many of each kind) or none",
    "fields": "which fields of each item to answer with, by name and separated by commas; what identifies it always is",
}
RELATIONS = "relations"
SUMMARY = "summary"
_IDENTITY = frozenset({"kind", "key", "id"})
_FIELD = re.compile(r"\w{1,128}")
_FOREIGN_CURSOR = "expected the 'next' of an earlier answer of this very list"


class Order(StrEnum):
    """Which items come first."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Filter:
    """Something that items are chosen by.

    Attributes:
        what: what it is.
        words: the values there are; None for an id.
    """

    what: str
    words: Sequence[str] | None = None

    @classmethod
    def one_of(cls, words: type[StrEnum]) -> Filter:
        """One of a few words."""
        return cls(f"one of {', '.join(words)}", [word.value for word in words])

    def check(self, name: str, value: str) -> str:
        """The value, when it is one.

        Raises:
            InvalidRequest: it is not; names the parameter.
        """
        if self.words is None:
            return check_identifier(value, name)
        if value not in self.words:
            raise UnknownName(value, self.words, name, self.what)
        return value


@dataclass(frozen=True)
class Wanted:
    """What the request at hand wants of a list.

    Attributes:
        name: what the list is called; a cursor is good for one list.
        filters: what items are chosen by, by name.
        fields: the fields to answer with; None for all.
        relations: how much of what hangs under each item.
        is_summary: whether items are wanted in short.
    """

    name: str
    page: Page
    filters: Mapping[str, str]
    fields: frozenset[str] | None
    relations: Relations = Relations.FULL
    is_summary: bool = False

    def wants(self, *fields: str) -> bool:
        """Whether any of these is to be answered with."""
        return self.fields is None or not self.fields.isdisjoint(fields)

    def answer(
        self,
        read: Callable[[Page], Part[Representation]],
        *,
        with_params: bool = True,
        counts: Callable[[], Mapping[str, int]] | None = None,
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> Response:
        """The answer: the page's items and where the next one begins; without a page everything, read and sent piece by piece.

        Args:
            read: a page of the list.
            more: what the envelope says besides.
            counts: how many of the items are in each state; told beside a page, with where to go on.
        """
        if self.page.limit is None:
            shown = map(self._chosen, everything(read, newest_first=self.page.newest_first))
            return success(f"{self.name}.get", shown, with_params=with_params, more=more)
        part = read(self.page)
        following = None if part.after is None else cursor_after(self.name, self.page, part.after)
        headers = {} if following is None else {"Link": f'<{_url(following)}>; rel="next"'}
        params = {} if counts is None else {"counts": counts(), "cursor": following}
        return success(
            f"{self.name}.get",
            map(self._chosen, part.items),
            with_params=with_params,
            headers=headers,
            more_params=params,
            more={"next": following, **more},
        )

    def answer_within(self, seconds: float, find: Callable[[Page, float], Part[Representation]]) -> Response:
        """As :meth:`answer`, without the parameters, of what has to be waited for.

        Args:
            seconds: of all pages together: a list that is answered whole waits no longer than one page does.
            find: a page of the list, in so many seconds at most.
        """
        deadline = time.monotonic() + seconds
        return self.answer(lambda page: find(page, max(0.0, deadline - time.monotonic())), with_params=False)

    def _chosen(self, representation: Representation) -> Representation:
        if self.fields is None:
            return representation
        return {name: value for name, value in representation.items() if name in self.fields or name in _IDENTITY}


def everything(read: Callable[[Page], Part[Item]], *, newest_first: bool = False) -> Iterator[Item]:
    """All items of a list, read page by page."""
    page: Page | None = Page(READ_AT_ONCE, newest_first=newest_first)
    while page is not None:
        part = read(page)
        yield from part.items
        page = None if part.after is None else replace(page, after=part.after)


def key_filters(kind: Kind, url: Collection[str] = ()) -> dict[str, Filter]:
    """The filters of a list of records: the ids of their keys that the URL does not name."""
    return {name: Filter("an id in the key") for name in RECORD_TYPES[kind].key_fields if name not in url}


def described(filters: Mapping[str, Filter]) -> dict[str, str]:
    """The query parameters of a list, with what they are."""
    return {**{name: each.what for name, each in filters.items()}, **PARAMETERS}


def wanted(
    name: str,
    filters: Mapping[str, Filter],
    fields: Collection[str] | None = None,
    summary: Collection[str] | None = None,
) -> Wanted:
    """Read the query parameters of the request at hand.

    Args:
        name: what the list is called in ``method``.
        fields: those that items have; None where that depends on the item.
        summary: those of them that ``fields=summary`` stands for, with the newest items first; None where it stands for none.

    Raises:
        InvalidRequest: a parameter is wrong or unknown; names it.
    """
    given = request.args.to_dict()
    chosen = {}
    for parameter, value in given.items():
        if parameter in PARAMETERS:
            continue
        if parameter not in filters:
            known = [*filters, *PARAMETERS]
            raise UnknownName(parameter, known, parameter, f"something {name} can be chosen by")
        chosen[parameter] = filters[parameter].check(parameter, value)
    is_summary = summary is not None and given.get("fields") == SUMMARY
    page = _page(name, {"order": Order.NEWEST, **given} if is_summary and "cursor" not in given else given)
    chosen_fields = frozenset(summary or ()) if is_summary else _fields(given.get("fields"), fields)
    return Wanted(name, page, chosen, chosen_fields, relations_wanted(given), is_summary)


def relations_wanted(given: Mapping[str, str]) -> Relations:
    """How much of what hangs under records a request wants.

    Raises:
        InvalidRequest: it says what is none of that.
    """
    said = given.get(RELATIONS, Relations.FULL)
    if said not in set(Relations):
        raise UnknownName(said[:80], list(Relations), RELATIONS, f"one of {', '.join(Relations)}")
    return Relations(said)


def page_of_request(name: str, order: Order) -> Page:
    """The page of a list with one order that the request at hand wants by ``limit`` and ``cursor``.

    Raises:
        InvalidRequest: a parameter is wrong; names it.
    """
    return _page(name, {**request.args.to_dict(), "order": order.value})


def most_of_request(parameter: str, usual: int) -> int:
    """How many of something the request at hand wants at most.

    Raises:
        InvalidRequest: it says something else than a number; names the parameter.
    """
    return _most(request.args[parameter], parameter) if parameter in request.args else usual


def _page(name: str, given: Mapping[str, str]) -> Page:
    given = _with_cursor(given)
    limit = _most(given["limit"], "limit") if "limit" in given else None
    order = given.get("order")
    if order is not None and order not in set(Order):
        raise UnknownName(order, list(Order), "order", f"one of {', '.join(Order)}")
    if "cursor" not in given:
        return Page(limit, newest_first=order == Order.NEWEST)
    after, newest_first = _place(name, given["cursor"])
    if order is not None and newest_first is not (order == Order.NEWEST):
        raise InvalidRequest("is not that of the cursor", "order")
    return Page(limit or DEFAULT_LIMIT, after, newest_first)


def _with_cursor(given: Mapping[str, str]) -> Mapping[str, str]:
    """The same with what ``before`` says said by ``cursor`` and ``order``."""
    if "before" not in given:
        return given
    if "cursor" in given:
        raise InvalidRequest("says what cursor says; expected one of them", "before")
    if given.get("order", Order.NEWEST) != Order.NEWEST:
        raise InvalidRequest("the newest come first where before is said", "order")
    others = {name: value for name, value in given.items() if name != "before"}
    return others | {"order": Order.NEWEST.value, "cursor": given["before"]}


def _most(text: str, parameter: str) -> int:
    # Not int(): it takes blanks, signs, underscores, and other scripts' digits too.
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MAXIMUM_LIMIT:
        raise InvalidRequest(f"expected a whole number from 1 to {MAXIMUM_LIMIT}, got {text[:80]!r}", parameter)
    return int(text)


def _fields(text: str | None, known: Collection[str] | None) -> frozenset[str] | None:
    if text is None:
        return None
    names = text.split(",")
    for name in names:
        if known is not None and name not in known:
            raise UnknownName(name[:80], known, "fields", "one of the fields", listed=list(known))
        if not _FIELD.fullmatch(name):
            raise InvalidRequest(f"expected names of fields, separated by commas, got {name[:80]!r}", "fields")
    return frozenset(names)


def cursor_after(name: str, page: Page, after: int) -> str:
    """Where a list goes on after a page.

    Args:
        name: what the list is called; a cursor is good for one list.
        after: the number of the page's last item.
    """
    text = json.dumps([name, page.newest_first, after], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(name: str, cursor: str) -> tuple[int, bool]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found: Any = json.loads(text) if len(text) <= 200 else None
    except (binascii.Error, ValueError, RecursionError):
        found = None
    match found:
        case [str(of), bool(newest_first), int(after)] if of == name and 0 <= after < 2**63:
            return after, newest_first
    raise InvalidRequest(_FOREIGN_CURSOR, "cursor")


def _url(cursor: str) -> str:
    given = {name: value for name, value in request.args.items() if name != "before"}
    return f"{request.path}?{urlencode({**given, 'cursor': cursor})}"
