"""Header fields: those a program is asked with, made of what a browser sent, and those a browser is told, made of what the program sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from synergos_portal.proxy.tool import Tool

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OF_THIS_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Between two neighbours alone (RFC 9110, section 7.6.1)."""
_NOT_ASKED_WITH = (
    _OF_THIS_CONNECTION
    | {"expect", "proxy-authorization", "content-length", "content-type"}
    | {"host", "origin", "referer", "cookie", "forwarded", "via", "x-real-ip"}
    # Programs that sit behind something that signs people in believe it who asks: whoever asks does not say so.
    | {"remote-user", "x-remote-user"}
)
"""Nor what tells of us, or is said anew."""
_TELLING = ("sec-fetch-", "x-forwarded-")
_NOT_TOLD = (
    _OF_THIS_CONNECTION
    | {"proxy-authenticate", "proxy-authentication-info"}
    # Said by the portal's own server.
    | {"content-length", "date", "server"}
)
_OF_ALL_OUR_ADDRESSES = frozenset(
    {
        # Cookies and kept data of every port of this host, the portal's sessions among them.
        "clear-site-data",
        "strict-transport-security",
        "public-key-pins",
        "alt-svc",
        # Who else may read or frame this, and scripts that would stand before other tools' pages.
        "service-worker-allowed",
        "x-frame-options",
        # What would have the browser tell others of what is looked at here, or load by the program's own paths.
        "report-to",
        "reporting-endpoints",
        "nel",
        "expect-ct",
        "link",
    }
)
_POLICIES = ("content-security-policy", "content-security-policy-report-only")
_NOT_THEIRS = ("frame-ancestors", "report-uri", "report-to")
_ADDRESSES = ("location", "content-location")
_CHALLENGE = "www-authenticate"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]+")
_REFRESH = re.compile(
    r"(?P<seconds>[\s\d.]+[;,]\s*(?:url\s*=\s*)?)(?P<quote>[\"']?)(?P<address>[^\"']+)", re.IGNORECASE
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
# A list of schemes, each with parameters (RFC 9110, section 11.6.1): what has no "=" behind it is a scheme.
_SCHEME = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~0-9a-z-]+)(?=\s*(?:$|,)|\s+[^\s=])", re.IGNORECASE)
_ASKED_FOR = {"basic": "Basic", "bearer": "Bearer"}
"""Of others, as Digest, the realm is part of what a password is shown by: they would not work, and do not work with the program's own."""
FRAMED_BY_US = "frame-ancestors 'self'"


def fields_from(
    sent: Iterable[tuple[str, str]], tool: Tool, is_ours: Callable[[str], bool], *, is_secure: bool
) -> Iterator[tuple[str, str]]:
    """Name and value of each; how long the body is is said by who sends it on.

    Args:
        is_ours: whether a cookie of this name is the portal's own, which no other program sets.
        is_secure: whether the browser is answered by TLS.
    """
    sent = [(name, _UNPRINTABLE.sub(" ", value).strip()) for name, value in sent if _NAME.fullmatch(name)]
    told = {name.lower() for name, _ in sent}
    named = {part.strip().lower() for name, value in sent if name.lower() == "connection" for part in value.split(",")}
    for name, value in sent:
        key = name.lower()
        if key in _NOT_TOLD or key in _OF_ALL_OUR_ADDRESSES or key in named:
            continue
        if key.startswith("access-control-") or key == _CHALLENGE:
            continue
        if key in _POLICIES:
            if policy := _policy(value):
                yield name, policy
        elif key == "set-cookie":
            # One without a name is sent back as its value, which may look like a name.
            if (cookie := value.partition("=")[0].strip()) and not is_ours(cookie):
                yield name, _cookie(value, tool, is_secure=is_secure)
        elif key in _ADDRESSES:
            yield name, here(value, tool)
        elif key == "refresh":
            yield (
                name,
                _REFRESH.sub(lambda found: found["seconds"] + found["quote"] + here(found["address"], tool), value),
            )
        else:
            yield name, value
    if asked_for := _challenge((value for name, value in sent if name.lower() == _CHALLENGE), tool):
        yield "WWW-Authenticate", asked_for
    # A second policy takes nothing from the program's own: each has to allow what is done.
    yield "Content-Security-Policy", FRAMED_BY_US
    for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin")):
        if name.lower() not in told:
            yield name, value


def here(address: str, tool: Tool) -> str:
    """The address here of one of a program's; of others' addresses, and of those that begin nowhere, themselves."""
    rest = address
    if not address.startswith("/") or address.startswith("//"):
        start = re.match(r"(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*", address, re.IGNORECASE)
        if start is None:
            return address
        scheme = "https:" if tool.place.is_tls else "http:"
        origin = start[0].lower() if ":" in start[0].partition("//")[0] else scheme + start[0].lower()
        if origin not in tool.place.origins:
            return address
        rest = address[start.end() :] or "/"
    return tool.path_here(rest)


def _policy(value: str) -> str:
    """A content security policy without what it says of frames, and without addresses that breaches are told to."""
    policies = (
        "; ".join(
            part.strip() for part in policy.split(";") if part.split() and part.split()[0].lower() not in _NOT_THEIRS
        )
        for policy in value.split(",")
    )
    return ", ".join(policy for policy in policies if policy)


def _cookie(value: str, tool: Tool, *, is_secure: bool) -> str:
    """A cookie that the browser sends to this program's addresses alone."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    kept, path = [], None
    for attribute in attributes:
        name, _, given = attribute.partition("=")
        match name.strip().lower():
            case "path":
                path = given.strip()
            case "domain":
                # This host's alone.
                pass
            # Without TLS here, browsers would not keep it, and nobody could sign in there.
            case "secure" if not is_secure:
                pass
            # Which says it is sent from everywhere, and is refused without "secure".
            case "samesite" if given.strip().lower() == "none" and not is_secure:
                pass
            case _:
                kept.append(attribute)
    # Without a path it is the folder's that was asked for, which is below the prefix.
    where = [f"Path={tool.path_here(path)}"] if path is not None and path.startswith("/") else []
    return "; ".join([pair, *where, *kept])


def _challenge(sent: Iterable[str], tool: Tool) -> str:
    """The one ``WWW-Authenticate`` of all that a program sent, of a realm that no other program has; empty where nothing is left."""
    schemes = [scheme.lower() for value in sent for scheme in _SCHEME.findall(_QUOTED.sub('""', value))]
    realm = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '\\"' else "?" for sign in tool.name)
    # In UTF-8 browsers send names and passwords of any letters.
    more = {"basic": ', charset="UTF-8"'}
    return ", ".join(
        f'{written} realm="{realm}"{more.get(scheme, "")}'
        for scheme, written in _ASKED_FOR.items()
        if scheme in schemes
    )


def fields_for(environ: WSGIEnvironment, tool: Tool, is_ours: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Name and value of each.

    Args:
        is_ours: whether a cookie of this name is the portal's own, which no other program sees.
    """
    yield "Host", tool.place.written
    named = {_plain(name.strip()) for name in environ.get("HTTP_CONNECTION", "").split(",")}
    for key, value in environ.items():
        if not key.startswith("HTTP_"):
            continue
        name = _plain(key.removeprefix("HTTP_"))
        if name in _NOT_ASKED_WITH or name in named or name.startswith(_TELLING):
            continue
        if name == "authorization" and tool.login is not None:
            continue
        # Of two addresses here a program would take the first.
        if tool.place_header is not None and name == tool.place_header.lower():
            continue
        yield name.title(), value
    if content_type := environ.get("CONTENT_TYPE"):
        yield "Content-Type", content_type
    if cookies := "; ".join(_cookies(environ.get("HTTP_COOKIE", ""), is_ours)):
        yield "Cookie", cookies
    if tool.login is not None:
        yield "Authorization", tool.login.header
    if tool.place_header is not None:
        yield tool.place_header, f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{tool.prefix}/"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _cookies(sent: str, is_ours: Callable[[str], bool]) -> Iterator[str]:
    for cookie in sent.split(";"):
        name = cookie.partition("=")[0].strip()
        if cookie.strip() and not is_ours(name):
            yield cookie.strip()
