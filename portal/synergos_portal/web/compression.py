"""What is sent compressed where a browser takes that: pages as they are made; styles and scripts, read into memory and compressed once."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, abort, request

_WORTH_IT = 1024
"""Bytes below which it saves nothing."""
_LEVEL = 3
"""The next one takes half as long again for 4 % less."""
_TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")
_FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_YEAR = "public, max-age=31536000, immutable"


def install(app: Flask) -> None:
    """Have an application compress what it answers, answer ``/static/<name>``, and templates link there by ``asset(name)``."""
    app.after_request(_compressed)
    app.add_url_rule("/static/<path:name>", "static_file", _answer)
    app.jinja_env.globals["asset"] = asset


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
    return request.accept_encodings.quality("gzip") > 0


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
