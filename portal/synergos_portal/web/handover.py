"""Handing a browser that has signed in at nav over to a service of another host name, which its cookie is not sent to.

It comes back with a code that is good once, for seconds, there, and for the browser with the secret alone (docs/portal.md has the
steps). Nothing of who they are is in an address.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Blueprint, Flask, current_app, redirect, request, session
from flask.typing import ResponseReturnValue
from werkzeug import Response
from werkzeug.exceptions import Forbidden

from synergos_portal.services import Service
from synergos_portal.web import current
from synergos_portal.web.links import host_of, is_own_path, origin
from synergos_portal.web.sign_ins import Kept

SECONDS = 30.0
"""For which a code is good: a browser is led on in a moment."""
ASK, SIGN_IN, TAKE = "/choices/sign-in", "/sign-in", "/choices/signed-in"
_CHALLENGE, _CODE = "challenge", "code"
_EXTENSION = "synergos_handovers"
_OWN = "asks_nav"
"""The field of the session that has the secret of a service that asks; one for all pages of a browser that ask at the same time."""
_HASH = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class NotHandedOver(Forbidden):
    """A code was used before, is too old, or is another browser's or service's."""


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for.

    Attributes:
        service: that is to take it.
        host: the name that browsers reach it by.
        challenge: the hash of the secret that the browser has there.
        names: of whoever has signed in, by orchestrator (``current.SIGNED_IN``).
    """

    service: Service
    host: str
    challenge: str
    names: dict[str, str]
    path: str


def install(app: Flask, folder: Path) -> None:
    """Have an application lead to nav's sign-in, and take what it hands over.

    Args:
        folder: that the services share.
    """
    app.extensions[_EXTENSION] = Kept(folder / "handed_over", Handover, SECONDS)
    pages = Blueprint("handover", __name__)
    pages.add_url_rule(ASK, view_func=ask)
    pages.add_url_rule(TAKE, view_func=take)
    app.register_blueprint(pages)


def is_led_here() -> bool:
    """Whether this request is one that an answer of another service leads to."""
    return (request.path, True) in ((SIGN_IN, _CHALLENGE in request.args), (TAKE, _CODE in request.args))


def ask() -> ResponseReturnValue:
    """Lead to where one signs in, and from there back to this service."""
    path = request.args.get("next", "")
    return to_sign_in(path if is_own_path(path) else "/", request.args.get("at"))


def to_sign_in(path: str, at: str | None = None) -> Response:
    """Lead there, and from there back to a page of this service.

    Args:
        at: the orchestrator that has to know who they are; None for the one that is shown.
    """
    asked = {"service": current.service().value, "next": path, "at": at or current.orchestrator().name}
    if not _is_here(nav := origin(Service.NAV)):
        asked[_CHALLENGE] = _hash_of(session.setdefault(_OWN, secrets.token_urlsafe(32)))
    return redirect(f"{nav}{SIGN_IN}?{urlencode(asked)}", HTTPStatus.SEE_OTHER)


def is_asked_for() -> bool:
    """At nav: whether this request is of somebody whom another service has sent: no script's, and no frame's."""
    is_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    return is_page and _HASH.fullmatch(request.args.get(_CHALLENGE, "")) is not None


def way_back(service: Service, path: str) -> str:
    """At nav: the address of a page of another service, by way of a code where this browser is a stranger there.

    Args:
        path: one of its own.
    """
    there = origin(service)
    # By the name that nav is asked by, its cookie goes along.
    if not is_asked_for() or _is_here(there):
        return f"{there}{path}"
    handed = Handover(
        service=service,
        host=_name_in(there),
        challenge=request.args[_CHALLENGE],
        names=current.names_here(),
        path=path,
    )
    return f"{there}{TAKE}?{urlencode({_CODE: _handovers().add(handed)})}"


def take() -> ResponseReturnValue:
    """Have this browser be here who it is at nav.

    Raises:
        NotHandedOver: the code is not for it, or no longer.
    """
    # Shown to whomever, it is gone.
    handed = _handovers().take(request.args.get(_CODE))
    secret = session.get(_OWN)
    if (
        handed is None
        or not isinstance(secret, str)
        or not compare_digest(handed.challenge, _hash_of(secret))
        or (handed.service, handed.host) != (current.service(), _name_of(request.host))
    ):
        raise NotHandedOver
    current.be(handed.names)
    return redirect(handed.path, HTTPStatus.SEE_OTHER)


def _is_here(address: str) -> bool:
    """Whether a browser sends the cookie of this host to an origin, too."""
    return _name_in(address) == _name_of(request.host)


def _name_in(address: str) -> str:
    return _name_of(urlsplit(address).netloc)


def _name_of(host: str) -> str:
    return host_of(host).lower()


def _hash_of(secret: str) -> str:
    return urlsafe_b64encode(sha256(secret.encode()).digest()).rstrip(b"=").decode()


def _handovers() -> Kept[Handover]:
    return cast("Kept[Handover]", current_app.extensions[_EXTENSION])
