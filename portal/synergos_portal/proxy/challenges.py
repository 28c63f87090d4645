"""What a program asks a browser's user for, in words of the portal's: browsers keep a password by origin and realm, and all programs share track's origin."""

from __future__ import annotations

import re
from collections.abc import Iterable

from synergos_portal.proxy.tool import Tool

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
# A list of schemes, each with parameters (RFC 9110, section 11.6.1): what has no "=" behind it is a scheme.
_SCHEME = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~0-9a-z-]+)(?=\s*(?:$|,)|\s+[^\s=])", re.IGNORECASE)
_ASKED_FOR = {"basic": "Basic", "bearer": "Bearer"}
"""Of others, as Digest, the realm is part of what a password is shown by: they would not work, and do not work with the program's own."""


def challenge(sent: Iterable[str], tool: Tool) -> str:
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
