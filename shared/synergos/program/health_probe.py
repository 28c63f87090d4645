"""Asking a program at an address what it is, by its ``/health``."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing

from synergos.domain.reachability import Answered, Silent

_SECONDS = 2.0
_LARGEST_ANSWER = 2**16


def probe(host: str, port: int) -> Answered | Silent:
    """See :class:`synergos.domain.reachability.Probe`; no redirect is followed, and little is read."""
    with closing(http.client.HTTPConnection(host.strip("[]"), port, timeout=_SECONDS)) as connection:
        try:
            connection.request("GET", "/health", headers={"Accept": "application/json"})
            content = connection.getresponse().read(_LARGEST_ANSWER)
        except socket.gaierror as error:
            return Silent(error.strerror or "the name is not known")
        except TimeoutError:
            return Silent(f"silent for {_SECONDS:.0f} s")
        except (ConnectionError, OSError) as error:
            return Silent(error.strerror or type(error).__name__)
        except (http.client.HTTPException, ValueError):
            return Answered(None, None, None)
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return Answered(None, None, None)
    if not isinstance(told, dict):
        return Answered(None, None, None)
    texts = {name: value for name, value in told.items() if isinstance(value, str)}
    return Answered(texts.get("component"), texts.get("id"), texts.get("interface"))
