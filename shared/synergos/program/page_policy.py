"""What browsers are told about the pages of a program: no script of strangers, in no frame, and nothing is guessed."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from flask import Flask, Response

_INLINE = re.compile(rb"<(script|style)(?![^>]*\bsrc=)[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def install(app: Flask) -> None:
    """Have all answers of an application say so."""
    app.after_request(_with_policy)


def _with_policy(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html" and not response.direct_passthrough:
        response.headers.setdefault("Content-Security-Policy", _policy(response.get_data()))
    return response


def _policy(page: bytes) -> str:
    """Only what comes from this address, and what stands in the page itself, piece by piece by its hash."""
    scripts, styles = (" ".join(_hashes(page, kind)) for kind in (b"script", b"style"))
    # The documentation draws its icons from data and sets single styles from its scripts.
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' {styles}; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )


def _hashes(page: bytes, kind: bytes) -> Iterator[str]:
    for found in _INLINE.finditer(page):
        if found[1].lower() == kind:
            yield f"'sha256-{b64encode(sha256(found[2]).digest()).decode()}'"
