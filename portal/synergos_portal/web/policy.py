"""What browsers are told about every page: scripts and styles of this address alone, in no frame but the station's, nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from flask import Flask, Response, request

from synergos_portal.services import Place, Service
from synergos_portal.web import current
from synergos_portal.web.links import host_of

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-site"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_ASKED_AGAIN = "no-cache, private"
"""An answer shows what is so now; whoever comes back asks again, which a tag may make cheap."""
_KEPT_BY_NOBODY = "no-store"
"""Nor is it kept on a disk where somebody has signed in: who uses that browser next may be somebody else."""
_DESTINATION = "Sec-Fetch-Dest"
"""By it a browser says what it asks for, and no script of a page can. Without it a page is whole."""


def install(app: Flask, service: Service, places: Mapping[Service, Place]) -> None:
    """Have all answers of an application say so; what has a policy of its own, as a proxied page, keeps it."""

    # Of few names a browser may say, and of any number that others do.
    @lru_cache(32)
    def policy(scheme: str, host: str) -> str:
        return _policy(service, {each: places[each].origin(scheme, host_of(host)) for each in Service})

    def with_policy(response: Response) -> Response:
        # Each look at a field by its name goes through all of them.
        there = {name.lower() for name, _ in response.headers}
        told = [field for field in _HEADERS if field[0].lower() not in there]
        if "content-security-policy" not in there:
            told.append(("Content-Security-Policy", policy(request.scheme, request.host)))
        # Files of the portal's own say themselves how long they are good for.
        if "cache-control" not in there:
            told.append(("Cache-Control", _KEPT_BY_NOBODY if current.is_signed_in() else _ASKED_AGAIN))
        for name, value in told:
            response.headers.add(name, value)
        # Pages of view have neither header nor menu in windows of the station, as the station around them has.
        if service is Service.VIEW and response.mimetype == "text/html":
            response.vary.add(_DESTINATION)
        return response

    app.after_request(with_policy)
    app.jinja_env.globals["is_framed"] = is_framed


def _policy(service: Service, at: Mapping[Service, str]) -> str:
    # Where a form leads is looked at too: signing in at nav leads back to view, and the search in the header is nav's. What a
    # change needs is looked at by whoever takes it.
    forms = " ".join(["'self'", *(at[each] for each in Service if each is not service)])
    # The station's windows: pages of other programs at its own address, and pages of view.
    frames = f"frame-src 'self' {at[Service.VIEW]}" if service is Service.TRACK else "frame-src 'none'"
    # The station alone shows pages in windows, and only those of view.
    framers = at[Service.TRACK] if service is Service.VIEW else "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        f"{frames}; base-uri 'none'; form-action {forms}; object-src 'none'; frame-ancestors {framers}"
    )


def is_framed() -> bool:
    """Whether the page that is asked for is shown in a window of the station, the only place where one of view may be framed."""
    return current.service() is Service.VIEW and request.headers.get(_DESTINATION) == "iframe"
