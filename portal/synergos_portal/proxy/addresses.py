"""What a request asks for, as it was sent: WSGI's own path has lost which slashes were escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
"""Before a path, as proxies are asked; further behind it is part of what is asked for."""
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")


def raw_target(environ: WSGIEnvironment) -> tuple[str, str]:
    """Path, and query with its question mark, escapes and all."""
    target: str = _ORIGIN.sub("", environ["RAW_URI"], count=1)
    path, mark, query = target.partition("#")[0].partition("?")
    return path, mark + query


def steps_aside(path: str) -> bool:
    """Whether a path has steps to where it is or up, which browsers take before they ask."""
    return any(step in (".", "..") for step in re.split(r"[/\\]", unquote(path)))


def may_change(environ: WSGIEnvironment) -> bool:
    """Whether a request is of a kind that may change something."""
    return environ["REQUEST_METHOD"] not in _CHANGES_NOTHING


def is_from_here(environ: WSGIEnvironment) -> bool:
    """Whether a page of this very address sends a request, by what browsers say of those that may change something."""
    if (site := environ.get("HTTP_SEC_FETCH_SITE")) is not None:
        return bool(site.strip().lower() == "same-origin")
    # Not said to addresses without TLS on a network; where a page is from is.
    origin: str = environ.get("HTTP_ORIGIN", "")
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() == environ.get("HTTP_HOST", "").lower()
    except ValueError:
        return False


def is_page(environ: WSGIEnvironment) -> bool:
    """Whether somebody is to look at the answer itself, in a window or a frame."""
    wants = "text/html" in environ.get("HTTP_ACCEPT", "")
    return wants and environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_SEC_FETCH_DEST", "document") != "empty"
