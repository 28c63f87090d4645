"""Host and port of an orchestrator, as people write them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from synergos.domain.addresses import is_address
from synergos.driver.errors import UsageError

_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?", re.UNICODE)
_LARGEST_PORT = 65535


def checked_host(host: Any) -> str:
    """A name or an address, an IPv6 address without brackets.

    Raises:
        UsageError: it is none, with what was probably meant.
    """
    text = host.strip() if isinstance(host, str) else ""
    if is_address(text.strip("[]")):
        return text.strip("[]")
    if _NAME.fullmatch(text):
        return text
    raise UsageError(f"expected a name or an address such as 'ttp.example.org', got {host!r}{_meant(text)}", "host")


def checked_port(port: Any) -> int:
    """The number of a port.

    Raises:
        UsageError: it is none.
    """
    text = str(port)
    if isinstance(port, bool) or not (text.isdecimal() and 0 < int(text) <= _LARGEST_PORT):
        raise UsageError(f"expected a number from 1 to {_LARGEST_PORT}, got {port!r}", "port")
    return int(text)


def _meant(text: str) -> str:
    """How to say what stands in an URL, or in ``host:port``."""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host or not (_NAME.fullmatch(host) or is_address(host)):
        return ""
    others = f", port={port}" if port else ""
    others += ", is_secured=True" if parts.scheme == "https" else ""
    return f"; write host={host!r}{others}"
