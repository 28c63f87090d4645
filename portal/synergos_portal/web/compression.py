"""Pages are sent compressed where a browser takes that."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

_WORTH_IT = 1024
"""Bytes below which it saves nothing."""
_LEVEL = 4
_TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")


def install(app: Flask) -> None:
    """Have an application compress what it answers."""
    app.after_request(_compressed)


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
