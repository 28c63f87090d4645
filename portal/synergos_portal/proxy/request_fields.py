"""Header fields of a request that a program is asked with, made of those that a browser sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from synergos_portal.proxy.tool import Tool

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OF_THIS_CONNECTION = frozenset(
    {"CONNECTION", "EXPECT", "KEEP_ALIVE", "PROXY_AUTHORIZATION", "PROXY_CONNECTION", "TE", "TRAILER"}
    | {"TRANSFER_ENCODING", "UPGRADE"}
)
"""Between two neighbours alone (RFC 9110, section 7.6.1)."""
_TELL_OF_US = frozenset(
    {"HOST", "ORIGIN", "REFERER", "COOKIE", "FORWARDED", "VIA", "X_REAL_IP", "CONTENT_LENGTH", "CONTENT_TYPE"}
)
_TELLING = ("SEC_FETCH_", "X_FORWARDED_")


def fields_for(environ: WSGIEnvironment, tool: Tool, is_ours: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Name and value of each.

    Args:
        is_ours: whether a cookie of this name is the portal's own, which no other program sees.
    """
    yield "Host", tool.place.written
    named = {name.strip().upper().replace("-", "_") for name in environ.get("HTTP_CONNECTION", "").split(",")}
    for key, value in environ.items():
        if not key.startswith("HTTP_"):
            continue
        name = key.removeprefix("HTTP_")
        if name in _OF_THIS_CONNECTION or name in _TELL_OF_US or name in named or name.startswith(_TELLING):
            continue
        if name == "AUTHORIZATION" and tool.login is not None:
            continue
        yield name.replace("_", "-").title(), value
    if content_type := environ.get("CONTENT_TYPE"):
        yield "Content-Type", content_type
    if cookies := "; ".join(_cookies(environ.get("HTTP_COOKIE", ""), is_ours)):
        yield "Cookie", cookies
    if tool.login is not None:
        yield "Authorization", tool.login.header
    if tool.place_header is not None:
        yield tool.place_header, f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{tool.prefix}/"


def _cookies(sent: str, is_ours: Callable[[str], bool]) -> Iterator[str]:
    for cookie in sent.split(";"):
        name = cookie.partition("=")[0].strip()
        if cookie.strip() and not is_ours(name):
            yield cookie.strip()
