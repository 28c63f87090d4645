"""Asking a program at an address what it is, by its ``/health``."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import closing

from synergos.domain.reachability import Answered, Barred, Silent
from synergos.errors import InvalidRequest
from synergos.program.destinations import ANY_NODE, Destinations, OwnPort

_SECONDS = 2.0
_LARGEST_ANSWER = 2**16
_PIECE = 2**12


def probe(host: str, port: int, where: Destinations = ANY_NODE) -> Answered | Silent:
    """See :class:`synergos.domain.reachability.Probe`; no redirect is followed, and little is read.

    Args:
        where: which addresses may be asked.
    """
    until = time.monotonic() + _SECONDS
    with closing(http.client.HTTPConnection(host.strip("[]"), port, timeout=_SECONDS)) as connection:
        try:
            connection.sock = where.connect(host, port, _SECONDS)
            connection.request("GET", "/health", headers={"Accept": "application/json"})
            return Answered.read(_content(connection, until))
        except InvalidRequest as error:
            return Barred(str(error), isinstance(error, OwnPort))
        except socket.gaierror as error:
            return Silent(error.strerror or "the name is not known")
        except TimeoutError:
            return Silent(f"silent for {_SECONDS:.0f} s")
        except OSError as error:
            return Silent(error.strerror or type(error).__name__)
        except (http.client.HTTPException, ValueError):
            return Answered()


def _content(connection: http.client.HTTPConnection, until: float) -> bytes:
    """The answer's content, as far as it comes in time: whoever is asked may take a byte a second for that."""
    answer = connection.getresponse()
    content = bytearray()
    while len(content) < _LARGEST_ANSWER and (piece := answer.read1(_PIECE)):
        content += piece
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)
