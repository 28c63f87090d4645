"""A program whose pages are shown under an address of the portal's: where it is, what it is told, and why a page of it cannot be shown."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

from synergos.errors import InvalidRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
RETRY_SECONDS = 3
"""After which a page asks again that says why another is not shown."""


@dataclass(frozen=True)
class Place:
    """Where a program listens.

    Attributes:
        host: without brackets.
        path: that all its addresses begin with; empty, or with a slash before it and none behind it.
        written: host and port as its ``Host`` header has them.
    """

    is_tls: bool
    host: str
    port: int
    path: str
    written: str

    @classmethod
    def read(cls, url: str, flag: str) -> Self:
        """The place that an address names.

        Args:
            flag: where it was given, for the message.

        Raises:
            InvalidRequest: it is none.
        """
        expected = "expected an address such as http://mlops.example.org:5500"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InvalidRequest(f"{url!r} is no address; {expected}", flag) from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise InvalidRequest(f"{url!r} is no address; {expected}", flag)
        if "@" in parts.netloc:
            # Not repeated: there may be a password in it.
            raise InvalidRequest(f"{expected}, without a user in it", flag)
        if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
            raise InvalidRequest(f"{url!r} is more than an address; {expected}", flag)
        return cls(
            parts.scheme == "https",
            parts.hostname,
            port if port is not None else _DEFAULT_PORTS[parts.scheme],
            parts.path.rstrip("/"),
            parts.netloc,
        )

    @property
    def origins(self) -> frozenset[str]:
        """The ways to write it before a path."""
        scheme = "https" if self.is_tls else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        written = {f"{host}:{self.port}"} | ({host} if self.port == _DEFAULT_PORTS[scheme] else set())
        return frozenset(f"{scheme}://{name}".lower() for name in written)


@dataclass(frozen=True)
class Login:
    """A user and a password that a program wants; they go to it and nowhere else."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """What says so in HTTP (RFC 7617)."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Tool:
    """One program.

    Attributes:
        name: in addresses and in kept layouts.
        prefix: what its addresses here begin with, without a slash behind it; empty where they are the same as its own.
        paths: those of it that are shown; all of them where there are none.
        front: the path below which its pages begin.
        login: what it is asked with; None where browsers say it themselves, if anybody does.
        reads_only: whether requests that may change something are refused.
        place_header: by which it is told its address here, so that it can write its pages' links.
    """

    name: str
    title: str
    place: Place
    prefix: str = ""
    paths: tuple[str, ...] = ()
    front: str = "/"
    login: Login | None = None
    reads_only: bool = False
    place_header: str | None = None
    tls: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context, compare=False, repr=False)

    @classmethod
    def under(cls, name: str, title: str, place: Place, **more: object) -> Self:
        """A program that is shown below ``/tools/<name>/``."""
        return cls(name, title, place, f"/tools/{name}", **more)  # type: ignore[arg-type]

    def target(self, path: str) -> str | None:
        """The path at the program of a path here; None where it is none of its.

        Args:
            path: as it was sent, escapes and all.
        """
        if not path.startswith(f"{self.prefix}/"):
            return None
        if self.paths and not any(path == known or path.startswith(f"{known}/") for known in self.paths):
            return None
        return self.place.path + path.removeprefix(self.prefix)

    def path_here(self, target: str) -> str:
        """The path here of a path at the program, whatever stands behind it."""
        base = self.place.path
        is_below = target == base or target.startswith((f"{base}/", f"{base}?", f"{base}#"))
        rest = target.removeprefix(base) if is_below else target
        return self.prefix + (rest if rest.startswith("/") else f"/{rest}")


class Kind(Enum):
    """Why a page cannot be shown; its window says so in a sentence instead."""

    AWAY = auto()
    """Nobody answers there."""
    SLOW = auto()
    NONSENSE = auto()
    """The answer is none of HTTP."""
    BUSY = auto()
    """As many requests are under way as there may be."""
    LOGIN_REFUSED = auto()
    """It does not know the user and the password that it is asked with."""
    FAILING = auto()
    """It answers that it cannot, or will not."""
    NOT_SIGNED_IN = auto()
    NOT_PERMITTED = auto()
    READING_ONLY = auto()
    OTHER_SITE = auto()
    TOO_LARGE = auto()
    BAD_ADDRESS = auto()
    BAD_METHOD = auto()
    UNKNOWN = auto()

    @property
    def status(self) -> HTTPStatus:
        """What is answered."""
        return _STATUSES[self]

    @property
    def may_pass(self) -> bool:
        """Whether asking again may help."""
        return self in _PASSING


_STATUSES = {
    Kind.AWAY: HTTPStatus.BAD_GATEWAY,
    Kind.SLOW: HTTPStatus.GATEWAY_TIMEOUT,
    Kind.NONSENSE: HTTPStatus.BAD_GATEWAY,
    Kind.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.LOGIN_REFUSED: HTTPStatus.BAD_GATEWAY,
    Kind.FAILING: HTTPStatus.BAD_GATEWAY,
    # What 401 has browsers ask for is a program's password, and no sign-in of the portal's.
    Kind.NOT_SIGNED_IN: HTTPStatus.FORBIDDEN,
    Kind.NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    Kind.READING_ONLY: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.OTHER_SITE: HTTPStatus.FORBIDDEN,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.BAD_ADDRESS: HTTPStatus.BAD_REQUEST,
    Kind.BAD_METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.UNKNOWN: HTTPStatus.NOT_FOUND,
}
_PASSING = (Kind.AWAY, Kind.SLOW, Kind.NONSENSE, Kind.BUSY, Kind.LOGIN_REFUSED, Kind.FAILING, Kind.NOT_SIGNED_IN)


class Trouble(Exception):
    """A page is not shown.

    Attributes:
        tool: what the program is called; empty where there is none.
        where: its host and port.
        answered: the status that it answers with, where it does.
    """

    def __init__(self, kind: Kind, tool: str = "", where: str = "", answered: int | None = None) -> None:
        super().__init__(kind.name, tool, where)
        self.kind = kind
        self.tool = tool
        self.where = where
        self.answered = answered
