"""Asks one orchestrator on behalf of one person, and reads what it answers as what pages show."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
import requests
from requests.auth import AuthBase

from synergos.driver.errors import DriverError, ServerTimeout, ServerUnreachable, UsageError
from synergos.driver.request import Request
from synergos.driver.tls import Tls
from synergos.driver.transport import Reply, Transport, route
from synergos.foreign_json import mapping
from synergos_portal.orchestrator.answers import Answers, Kept, Roles
from synergos_portal.orchestrator.feed import Feed, News
from synergos_portal.orchestrator.problems import Away, Nonsense, NotSignedIn, OrchestratorProblem, Refused

Kind = TypeVar("Kind")
Query = Mapping[str, str | int | None]
COUNTS: Query = {"limit": 1, "order": "newest", "fields": "state"}
"""Of jobs: what is asked to be told how many there are in each state."""
READ_SECONDS = 10.0
"""For an answer to a read: somebody waits for the page."""
SILENT_READ_SECONDS = 2.0
"""The same of an orchestrator that has not been heard of lately."""
CHANGE_SECONDS = 120.0
"""For the answer to a declaration, a change or a deletion."""
KEPT_SECONDS = 5.0
"""For which an answer is good at most while the orchestrator tells of no change: what a job waits for may change without one."""
_NOT_TOLD_SECONDS = 1.0
"""The same of what the orchestrator tells no changes of."""
_TOLD_OF = tuple(f"/ttp/{name}" for name in ("connect/", "train/", "evaluate/", "jobs", "studies", "search"))
FEED_PATIENCE = 6.0
"""Seconds for which the answer about changes may be late."""
MOST_FEEDS = 12
"""The orchestrator lets 16 wait, and other portals may be there."""
_MOST_PATHS = 512
_HEALTH = "/health"
_OBJECTS = ("key", "keys", "relations", "progress", "error", "parameters")
"""Of a record, where it has them."""
_OBJECT = (dict, type(None))
_HEALTH_SECONDS = 3.0
SIGNED_IN_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Account:
    """Whose token it is that asks.

    Attributes:
        role: ``orchestrator``, ``participant`` or ``viewer``.
    """

    role: str


@dataclass(frozen=True)
class Listing(Generic[Kind]):
    """A page of a list.

    Attributes:
        next: the cursor of the page after it; None after the last.
        params: what the orchestrator says beside the items.
    """

    items: Sequence[Kind]
    next: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What was answered, with its ETag and how many bytes it took."""

    body: Mapping[str, object]
    tag: str | None
    size: int


QueryOf = Callable[[Mapping[str, object]], Query]
Grow = Callable[[Mapping[str, object], Mapping[str, object]], Mapping[str, object] | None]


class _AsGiven(AuthBase):
    """Leaves a request as it is: without one, requests would take a password out of this host's own .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Orchestrator:
    """One orchestrator; its connections, and what it has answered lately, are shared by all threads and all people.

    Args:
        has_feed: whether it is asked all the time what has changed.

    Attributes:
        roles: of those who have signed in there, as it says now.
    """

    def __init__(self, name: str, transport: Transport, *, has_feed: bool = False) -> None:
        self.name = name
        self.address = transport.address
        self.answers = Answers()
        self.roles = Roles(self._role_of)
        self._transport = transport
        self._has_feed = has_feed
        # Guards the feeds; by token, as everybody is told of what they may read.
        self._lock = threading.Lock()
        self._feeds: dict[str | None, Feed] = {}
        transport.sign_in(_AsGiven())

    @classmethod
    def at(cls, name: str, address: str, tls: Tls | None = None) -> Orchestrator:
        """The one at an address, which is asked all the time what has changed as long as somebody wants to know."""
        return cls(name, Transport(address, tls=tls), has_feed=True)

    def on_behalf_of(self, token: str | None) -> Client:
        """What asks it for one person.

        Args:
            token: by which that person is signed in there; None for nobody.
        """
        return Client(self, self._transport, token, self._feed_of(token))

    def asking_with(self, token: str) -> Client:
        """The same for a token of which nobody knows yet whether it is right: nothing is asked with it beside."""
        return Client(self, self._transport, token)

    def _feed_of(self, token: str | None) -> Feed | None:
        """What has changed for one person; None for those who come when too many others have theirs."""
        if not self._has_feed:
            return None
        with self._lock:
            if token not in self._feeds or self._feeds[token].is_over:
                self._feeds = {other: feed for other, feed in self._feeds.items() if feed.is_wanted}
                if len(self._feeds) >= MOST_FEEDS:
                    return None
                asking = Client(self, self._transport, token, None)
                self._feeds[token] = Feed(self.name, asking.await_change)
            feed = self._feeds[token]
        # One that was turned away is not tried again for a while: what is asked meanwhile is asked without one.
        if feed.is_closed:
            return None
        feed.want()
        return feed

    def accounts(self) -> object:
        """What it says of accounts; None as long as it has not said so."""
        return Client(self, self._transport).health().get("accounts")

    def _role_of(self, token: str) -> str:
        """What whoever has a token is, as it says now: neither kept, nor of before where it is away."""
        return Client(self, self._transport, token).tagged(Account, "account")[0].role

    def signs_in(self, name: str, password: str) -> Mapping[str, object]:
        """A token for whoever has this name and password, as the orchestrator makes it.

        Raises:
            NotSignedIn: they are not right.
            Refused: too many have tried.
        """
        # As bytes: names and passwords have any letters.
        shown = b64encode(f"{name}:{password}".encode()).decode()
        body = {"expires_in": SIGNED_IN_SECONDS, "label": "portal"}
        headers = {"Authorization": f"Basic {shown}"}
        request = Request("POST", route("tokens"), body, headers=headers, within=READ_SECONDS)
        with _explained():
            reply = self._transport.reply(request)
        _check(reply.status, reply.body)
        return mapping(reply.body.get("data"))

    def forget(self, token: str | None) -> None:
        """Forget what was asked for by a person who is signed out."""
        with self._lock:
            feed = self._feeds.pop(token, None)
        if feed is not None:
            feed.close()
        self.answers.forget(token)
        self.roles.forget(token)

    def close(self) -> None:
        """Let connections go."""
        with self._lock:
            for feed in self._feeds.values():
                feed.close()
        self._transport.close()


class Client:
    """Asks on behalf of one person.

    Every call raises :class:`~synergos_portal.orchestrator.problems.OrchestratorProblem`, which the portal makes a page of;
    only forms look for :class:`~synergos_portal.orchestrator.problems.Refused` themselves.

    Attributes:
        feed: what has changed for that person; None where nobody asks all the time.
        stale_since: when the oldest of the answers was given that were shown because the orchestrator is away; None where none was.
    """

    def __init__(
        self, orchestrator: Orchestrator, transport: Transport, token: str | None = None, feed: Feed | None = None
    ) -> None:
        self.feed = feed
        self.stale_since: datetime | None = None
        self._answers = orchestrator.answers
        self._begun = (None if feed is None else feed.version, self._answers.era)
        self._transport = transport
        self._token = token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    @property
    def as_of(self) -> tuple[str, int] | None:
        """What changes its answers know of, at least; None where nobody can tell, or one has been made by this portal since."""
        version, era = self._begun
        return None if version is None or era != self._answers.era else (version, era)

    def record(self, kind: type[Kind], *parts: str, query: Query | None = None) -> Kind:
        """One record, below ``/ttp``.

        Args:
            kind: a frozen dataclass or msgspec Struct; fields it does not have are passed over.
            parts: of the path, not yet encoded.
        """
        return as_kind(kind, self.answer("GET", *parts, query=query).get("data"))

    def records(self, kind: type[Kind], *parts: str, query: Query | None = None) -> Listing[Kind]:
        """A list of records, or a page of one."""
        answer = self.answer("GET", *parts, query=query)
        return Listing(
            as_kind(list[kind], answer.get("data")),  # type: ignore[valid-type]
            as_kind(str | None, answer.get("next")),  # type: ignore[arg-type]
            mapping(answer.get("params")),
        )

    def create(self, *parts: str, body: object, query: Query | None = None) -> Mapping[str, object]:
        """Declare something that is not there yet; what it is now."""
        headers = {"If-None-Match": "*"}
        return mapping(self.answer("POST", *parts, body=body, query=query, headers=headers).get("data"))

    def ask_for(self, *parts: str, body: object, query: Query | None = None) -> Any:
        """Ask for a stage; the jobs it makes, as they are when they have been accepted."""
        return self.answer("POST", *parts, body=body, query=query, headers={"Prefer": "respond-async"}).get("data")

    def change(self, *parts: str, body: object, unchanged_since: str | None = None) -> Mapping[str, object]:
        """Change something; what it is now.

        Args:
            unchanged_since: the ETag of what was read; refused with 412 when it has been changed since.
        """
        headers = {} if unchanged_since is None else {"If-Match": unchanged_since}
        return mapping(self.answer("PUT", *parts, body=body, headers=headers).get("data"))

    def delete(self, *parts: str, unchanged_since: str | None = None) -> Mapping[str, object]:
        """Delete something, perhaps only as it was read; what it was."""
        headers = {} if unchanged_since is None else {"If-Match": unchanged_since}
        return mapping(self.answer("DELETE", *parts, headers=headers).get("data"))

    def tagged(self, kind: type[Kind], *parts: str, query: Query | None = None) -> tuple[Kind, str | None]:
        """One record as it is now, with the ETag by which a change can say that it is of this state."""
        reply = self._reply(Request("GET", route(*parts), query=_text(query), within=READ_SECONDS))
        return as_kind(kind, reply.body.get("data")), reply.headers.get("ETag")

    def answer(
        self,
        method: str,
        *parts: str,
        body: object = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, object]:
        """The whole answer to a request."""
        path = _path(*parts)
        return self.at(path, _text(query)) if method == "GET" else self._changed(method, path, body, query, headers)

    def at(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, object]:
        """The whole answer to reading a path, which may be one that was kept: while nothing changes, or nobody answers."""

        def ask(kept: Kept | None) -> Found:
            reply = self._read(path, query, None if kept is None else kept.tag)
            if reply.status == HTTPStatus.NOT_MODIFIED and kept is not None:
                return Found(kept.body, kept.tag, kept.size)
            return Found(reply.body, reply.headers.get("ETag"), reply.size)

        return self._kept(_asked(path, query), path, ask)

    def grown(self, name: str, parts: Sequence[str], query_of: QueryOf, grow: Grow) -> Mapping[str, object]:
        """What has grown of answers of which each has what is new since the one before, kept as :meth:`at` does.

        Args:
            name: what it is kept as.
            query_of: what to ask, given what there is, nothing at first.
            grow: makes of what there is and an answer what there is then; None where all of it has to be asked for anew.
        """
        path = _path(*parts)

        def ask(kept: Kept | None) -> Found:
            before: Mapping[str, object] = {} if kept is None else kept.body
            reply = self._read(path, _text(query_of(before)))
            if (found := grow(before, reply.body)) is None:
                reply = self._read(path, _text(query_of({})))
                found = grow({}, reply.body) or {}
            return Found(found, None, len(json.dumps(found)))

        return self._kept(f"{path}#{name}", path, ask)

    def _read(self, path: str, query: Mapping[str, str] | None, tag: str | None = None) -> Reply:
        is_silent = self.feed is not None and self.feed.is_silent
        within = SILENT_READ_SECONDS if is_silent else READ_SECONDS
        return self._reply(
            Request("GET", path, query=query, headers={"If-None-Match": tag} if tag else {}, within=within)
        )

    def _kept(self, asked: str, path: str, ask: Callable[[Kept | None], Found]) -> Mapping[str, object]:
        """What was kept, where it is still good or nobody answers; else what is found when it is asked for."""
        kept = self._answers.find(self._token, asked)
        version, now = None if self.feed is None else self.feed.version, self._answers.clock()
        if kept is not None and self._is_good(kept, version, now, path):
            return kept.body
        is_silent = self.feed is not None and self.feed.is_silent
        if kept is not None and is_silent:
            return self._stale(kept)
        era = self._answers.era
        try:
            found = ask(kept)
        except Away:
            if kept is None:
                raise
            return self._stale(kept)
        self._keep(asked, found, version, now, era)
        return found.body

    def _keep(self, asked: str, found: Found, version: str | None, now: float, era: int) -> None:
        """Keep an answer for which was asked then."""
        # What was asked for before somebody changed something may be of before.
        fresh = era == self._answers.era
        version, at = (version, now) if fresh else (None, float("-inf"))
        self._answers.keep(self._token, asked, Kept(found.body, found.tag, version, at, datetime.now(UTC), found.size))

    def _stale(self, kept: Kept) -> Mapping[str, object]:
        """An answer of before, which the page says it is."""
        self.stale_since = min(kept.when, self.stale_since or kept.when)
        return kept.body

    def health(self) -> Mapping[str, object]:
        """What the orchestrator says of itself, well or not; nothing while it is away. Asked every few seconds at most."""
        kept, now = self._answers.find(None, _HEALTH), self._answers.clock()
        is_silent = self.feed is not None and self.feed.is_silent
        if kept is not None and (is_silent or now - kept.at < KEPT_SECONDS):
            return kept.body
        try:
            with _explained():
                reply = self._transport.reply(Request("GET", _HEALTH, within=_HEALTH_SECONDS))
        except OrchestratorProblem:
            return {} if kept is None else kept.body
        self._answers.keep(None, _HEALTH, Kept(reply.body, None, None, now, datetime.now(UTC), reply.size))
        return reply.body

    def _is_good(self, kept: Kept, version: str | None, now: float, path: str) -> bool:
        """Whether an answer need not be asked for again."""
        seconds = KEPT_SECONDS if path.startswith(_TOLD_OF) else _NOT_TOLD_SECONDS
        return version is not None and kept.version == version and now - kept.at < seconds

    def await_change(self, after: str | None, seconds: float) -> News:
        """Wait until something changes after a cursor, at most so long; the cursor of now, and when to ask again.

        How many jobs there are in each state, which every page shows, comes along and is kept as if it had been asked for.
        """
        query = {"wait": f"{seconds:g}", "counts": "true", **({} if after is None else {"after": after})}
        era = self._answers.era
        reply = self._reply(Request("GET", route("changes"), query=query, within=seconds + FEED_PATIENCE))
        following = reply.body.get("next")
        if not isinstance(following, str):
            raise Nonsense("the orchestrator's answer about changes has no 'next'")
        if isinstance(counts := reply.body.get("counts"), dict):
            told = Found({"params": {"counts": counts}}, None, reply.size)
            self._keep(_asked(route("jobs"), _text(COUNTS)), told, following, self._answers.clock(), era)
        return News(following, _seconds(reply.headers.get("Retry-After")))

    def _changed(
        self, method: str, path: str, body: object, query: Query | None, headers: Mapping[str, str] | None
    ) -> Mapping[str, object]:
        try:
            return self._reply(Request(method, path, body, _text(query), headers, within=CHANGE_SECONDS)).body
        finally:
            self._answers.outdate()

    def _reply(self, request: Request) -> Reply:
        headers = {**self._headers, **(request.headers or {})}
        with _explained():
            reply = self._transport.reply(replace(request, headers=headers))
        _check(reply.status, reply.body)
        return reply

    @contextmanager
    def stream(self, *parts: str, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
        """The answer to a request for a file, its content not yet read."""
        with _explained(), self._transport.stream(route(*parts), {**self._headers, **(headers or {})}) as answer:
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                _check(answer.status_code, _error_of(answer))
            yield answer


@lru_cache(_MOST_PATHS)
def _path(*parts: str) -> str:
    """Of what is asked for; the same few ways to it are gone again and again, and to encode one takes longer than to find what was answered."""
    with _explained():
        return route(*parts)


def _asked(path: str, query: Mapping[str, str] | None) -> str:
    """What an answer is kept as."""
    return f"{path}?{_encoded(*query.items())}" if query else path


@lru_cache(_MOST_PATHS)
def _encoded(*query: tuple[str, str]) -> str:
    return urlencode(query)


def _text(query: Query | None) -> dict[str, str]:
    return {name: str(value) for name, value in (query or {}).items() if value is not None}


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong on the way, in the portal's words."""
    try:
        yield
    except (ServerUnreachable, ServerTimeout) as error:
        raise Away(error.message) from error
    except DriverError as error:
        raise Nonsense(error.message) from error
    except UsageError as error:
        # An id that leads elsewhere: there is nothing of that name. What else cannot be sent stands at a field.
        status = HTTPStatus.NOT_FOUND if error.field is None else HTTPStatus.BAD_REQUEST
        raise Refused(str(error), status, error.field) from error


def _seconds(said: str | None) -> float:
    """Of ``Retry-After``; the date it may have instead is as good as a moment."""
    if said is None:
        return 0.0
    return float(said) if re.fullmatch("[0-9]{1,6}", said.strip()) else 1.0


def _check(status: int, answer: Mapping[str, object]) -> None:
    if status < HTTPStatus.BAD_REQUEST:
        return
    message = str(answer.get("message") or "no reason given")
    if status == HTTPStatus.UNAUTHORIZED:
        raise NotSignedIn(message)
    field = answer.get("field")
    raise Refused(message, status, str(field) if field else None, mapping(answer.get("changed")))


def _error_of(answer: requests.Response) -> Mapping[str, object]:
    try:
        told = answer.json()
    except requests.RequestException:
        return {}
    return mapping(told)


def as_kind(kind: type[Kind], data: object) -> Kind:
    """What an orchestrator has answered, as what pages show.

    Raises:
        Nonsense: it is none.
    """
    for record in data if isinstance(data, list) else [data]:
        _check_record(record)
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Nonsense(f"the orchestrator's answer is not what was expected: {error}") from error


def _check_record(record: object) -> None:
    """What every record has, whatever else it has: pages that read one as it is need not look.

    Raises:
        Nonsense: it has it otherwise.
    """
    if not isinstance(record, dict):
        return
    for name in _OBJECTS:
        if name in record and not isinstance(record[name], _OBJECT):
            raise Nonsense(f"the orchestrator's answer is not what was expected: {name} is no object")
