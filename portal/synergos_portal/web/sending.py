"""How answers are sent: with what browsers are told about every page, and compressed where a browser takes that.

A page has scripts and styles of this address alone, in no frame but the station's, and nothing is guessed. Pages are compressed
as they are made; styles and scripts are read into memory and compressed once.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, abort, request
from werkzeug.http import parse_accept_header

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
_WORTH_IT = 1024
"""Bytes below which it saves nothing."""
_LEVEL = 3
"""The next one takes half as long again for 4 % less."""
_TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")
_FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_YEAR = "public, max-age=31536000, immutable"


def install(app: Flask, service: Service, places: Mapping[Service, Place]) -> None:
    """Have all answers of an application say so; what has a policy of its own, as a proxied page, keeps it.

    They are compressed, ``/static/<name>`` is answered, and templates link there by ``asset(name)``.
    """

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
    app.after_request(_compressed)
    app.add_url_rule("/static/<path:name>", "static_file", _answer)
    app.jinja_env.globals.update(asset=asset, is_framed=is_framed)


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


def _compressed(response: Response) -> Response:
    if response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    if not (response.mimetype or "").startswith(_TEXTS):
        return response
    response.vary.add("Accept-Encoding")
    content = packed(response.get_data()) if takes_packed() else None
    if content is not None:
        response.set_data(content)
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_packed() -> bool:
    """Whether whoever asks understands gzip."""
    return _has_gzip(request.headers.get("Accept-Encoding"))


@lru_cache(32)
def _has_gzip(said: str | None) -> bool:
    # Browsers say few different things.
    return parse_accept_header(said).quality("gzip") > 0


def packed(content: bytes) -> bytes | None:
    """Content by gzip; None where that saves nothing."""
    # Without a time in it the same page is the same bytes.
    return gzip.compress(content, _LEVEL, mtime=0) if len(content) >= _WORTH_IT else None


@dataclass(frozen=True)
class _File:
    kind: str
    compressed: bytes
    version: str


def asset(name: str) -> str:
    """The address of a file, another one for each version of it."""
    return f"/static/{name}?{_files()[name].version}"


@cache
def _files() -> dict[str, _File]:
    paths = [path for path in sorted(_FOLDER.rglob("*")) if path.suffix in _TYPES]
    return {path.relative_to(_FOLDER).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(_TYPES[path.suffix], gzip.compress(content, 9, mtime=0), sha256(content).hexdigest()[:12])


def _answer(name: str) -> Response:
    file = _files().get(name)
    if file is None:
        abort(404)
    is_compressed = takes_packed()
    # Hardly anybody takes them as they are, so that they are not kept so.
    response = Response(file.compressed if is_compressed else gzip.decompress(file.compressed), mimetype=file.kind)
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = _YEAR if request.query_string.decode() == file.version else "no-cache"
    response.set_etag(f"{file.version}{'-gz' if is_compressed else ''}")
    response.make_conditional(request)
    return response
