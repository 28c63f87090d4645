"""A program whose pages are shown under an address of the portal's: where it is, and what it is told."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from synergos.errors import InvalidRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}


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
        title: as people know it.
        prefix: what its addresses here begin with, without a slash behind it; empty where they are the same as its own.
        paths: those of it that are shown; all of them where there are none.
        front: the path below which its pages begin.
        login: what it is asked with; None where browsers say it themselves, if anybody does.
        reads_only: whether requests that may change something are refused.
        place_header: by which it is told its address here, so that it can write its pages' links.
        tls: makes what a connection by https is made with.
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
