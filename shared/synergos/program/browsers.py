"""What a web page in somebody's browser may not ask of a program, though the browser stands on its very network.

A page of a stranger can send requests to any address its reader's machine reaches. Two marks give it away: browsers say which
site a request comes from, and a name that was made to point here (DNS rebinding) is in ``Host``. What programs send has neither.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from synergos.domain.addresses import EVERYWHERE, is_address, is_loopback, plain
from synergos.program.api_version import API_VERSION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

_STATUS = f"{HTTPStatus.FORBIDDEN.value} {HTTPStatus.FORBIDDEN.phrase}"
_LONGEST = 80


@dataclass(frozen=True)
class Hosts:
    """Names by which a program may be asked.

    A program that listens on all addresses may be asked by any of them, as a forwarded port's is none of its own; by a name
    only where the name is the machine's or allowed: it is names that can be made to point here.

    Attributes:
        bound: the address it listens on.
        allowed: names and addresses besides, without ports.
        own: what this machine is called.
    """

    bound: str
    allowed: frozenset[str] = frozenset()
    own: str = field(default_factory=socket.gethostname)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed", frozenset(map(plain, self.allowed)))

    def has(self, host: str) -> bool:
        """Whether a host, without its port, is one of them."""
        host = plain(host)
        if host in self.allowed or host == plain(self.bound):
            return True
        if plain(self.bound) in EVERYWHERE:
            return host in ("localhost", plain(self.own)) or is_address(host)
        return is_loopback(self.bound) and is_loopback(host)


def guarded(application: WSGIApplication, hosts: Hosts) -> WSGIApplication:
    """The same application, which answers 403 to what a stranger's web page asks."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reason = _reason(environ, hosts)
        if reason is None:
            return application(environ, start_response)
        log.warning("refused", status=HTTPStatus.FORBIDDEN.value, reason=reason, address=environ.get("REMOTE_ADDR"))
        # In the form that errors have on every port.
        told = {"apiVersion": API_VERSION, "success": 0, "status": HTTPStatus.FORBIDDEN.value, "message": reason}
        body = (json.dumps(told) + "\n").encode()
        start_response(_STATUS, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def _reason(environ: WSGIEnvironment, hosts: Hosts) -> str | None:
    """Why a request is refused; None when it is not."""
    asked = environ.get("HTTP_HOST")
    # Browsers always send one; without one there is nothing that could be a name made to point here.
    if asked is not None and not hosts.has(_host_of(asked)):
        return (
            f"Host: {asked[:_LONGEST]!r} is not a name of this program; expected the address it listens on, "
            "or a name given to --allow_hosts"
        )
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _is_of(origin, asked, hosts):
        return f"Origin: {origin[:_LONGEST]!r} is another site; web pages of other sites may not ask anything here"
    if environ.get("HTTP_SEC_FETCH_SITE", "").strip().lower() == "cross-site" and not _is_followed_link(environ):
        return "Sec-Fetch-Site: cross-site; web pages of other sites may not ask anything here"
    return None


def _is_of(origin: str, asked: str | None, hosts: Hosts) -> bool:
    """Whether an origin is the very one that was asked, or has a name that was allowed."""
    try:
        site = urlsplit(origin)
        named = site.hostname
    except ValueError:
        return False
    if not named:
        return False
    # Behind a proxy that ends TLS the scheme is another one, so it is not compared.
    return (asked is not None and site.netloc.lower() == asked.lower()) or plain(named) in hosts.allowed


def _is_followed_link(environ: WSGIEnvironment) -> bool:
    """Whether somebody came here by a link: the page they came from sees nothing of the answer, and nothing is changed."""
    mode, target = environ.get("HTTP_SEC_FETCH_MODE"), environ.get("HTTP_SEC_FETCH_DEST")
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and mode == "navigate" and target == "document"


def _host_of(asked: str) -> str:
    """The host of a ``Host`` header, without a port."""
    if asked.startswith("["):
        return asked[: asked.find("]") + 1]
    return asked.rsplit(":", 1)[0] if asked.count(":") == 1 else asked
