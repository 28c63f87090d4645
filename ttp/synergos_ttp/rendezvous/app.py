"""What the rendezvous answers: who keeps it, and to a worker that proves who it is that its connection waits from now on.

See docs/wire-formats.md, section 4.4.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import structlog

from synergos.errors import WireFormatError
from synergos.identity.arrival import RENDEZVOUS, UPGRADE, Arrived, arrived, offer
from synergos.identity.handshake import Challenges
from synergos.identity.identity import Renewable
from synergos.program.api_version import API_VERSION
from synergos.program.connection import hand_over
from synergos.program.health import health
from synergos.program.patience import RETRY_SECONDS
from synergos_ttp.rendezvous.registered import RecordsAway
from synergos_ttp.rendezvous.rendezvous import Rendezvous, Unwelcome

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)

_LARGEST = 2**17
"""Bytes of what a worker proves, with eight renewals."""
_SWITCHING = f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {UPGRADE}\r\n\r\n".encode()


class RendezvousApp:
    """The WSGI application of the rendezvous port.

    Args:
        keys: of this TTP.
        name: what it is called.
        endorsement: a statement of whom it belongs to, without waiting for one; None where it belongs to nobody.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        keys: Renewable,
        name: str,
        endorsement: Callable[[], Mapping[str, object] | None],
        clock: Callable[[], float],
    ) -> None:
        self._rendezvous = rendezvous
        self._keys = keys
        self._name = name
        self._endorsement = endorsement
        self._challenges = Challenges(clock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        address = str(environ.get("REMOTE_ADDR", ""))
        try:
            status, told, headers = self._answer(environ, address)
        except WireFormatError as error:
            log.warning("an arrival was refused", reason=str(error), address=address)
            status, told, headers = HTTPStatus.BAD_REQUEST, _refusal(HTTPStatus.BAD_REQUEST, str(error)), []
        except Unwelcome as error:
            log.warning("an arrival was refused", reason=str(error), address=address)
            status, headers = HTTPStatus.CONFLICT, [("Retry-After", str(RETRY_SECONDS))]
            told = _refusal(status, str(error))
        except RecordsAway as error:
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, [("Retry-After", str(RETRY_SECONDS))]
            told = _refusal(status, str(error))
        if status is HTTPStatus.SWITCHING_PROTOCOLS:
            return []
        body = (json.dumps(told) + "\n").encode()
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
        start_response(f"{status.value} {status.phrase}", fields)
        return [body]

    def _answer(
        self, environ: WSGIEnvironment, address: str
    ) -> tuple[HTTPStatus, Mapping[str, object], list[tuple[str, str]]]:
        match environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""):
            case "GET", "/health":
                own = self._keys.now.fingerprint
                return HTTPStatus.OK, health("ttp", self._name, interface="rendezvous", fingerprint=own), []
            case "GET", path if path == RENDEZVOUS:
                drawn = parse_qs(environ.get("QUERY_STRING", "")).get("nonce", [""])[0]
                return HTTPStatus.OK, offer(self._keys.now, drawn, self._challenges, self._endorsement()), []
            case "POST", path if path == RENDEZVOUS:
                return self._arrival(environ, address)
            case _:
                message = "this is where workers arrive that dial out: a worker's --join names it"
                return HTTPStatus.NOT_FOUND, _refusal(HTTPStatus.NOT_FOUND, message), []

    def _arrival(
        self, environ: WSGIEnvironment, address: str
    ) -> tuple[HTTPStatus, Mapping[str, object], list[tuple[str, str]]]:
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isdigit() or int(length) > _LARGEST:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return status, _refusal(status, f"expected at most {_LARGEST} bytes"), [("Connection", "close")]
        if UPGRADE not in environ.get("HTTP_UPGRADE", ""):
            raise WireFormatError(f"expected Upgrade: {UPGRADE}")
        who = arrived(environ["wsgi.input"].read(int(length)), self._keys.now, self._challenges)
        is_known = self._rendezvous.admit(who, address)
        hand_over(environ, _SWITCHING, partial(self._take, who, address, is_known))
        return HTTPStatus.SWITCHING_PROTOCOLS, {}, []

    def _take(self, who: Arrived, address: str, is_known: bool, connection: socket.socket) -> None:
        self._rendezvous.arrive(who, address, connection, is_known)


def _refusal(status: HTTPStatus, message: str) -> dict[str, object]:
    return {"apiVersion": API_VERSION, "success": 0, "status": status.value, "message": message}
