"""Asking a program at an address what it is and, if it is a worker, whether its owner approves of who asks."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from synergos.domain.addresses import in_header
from synergos.domain.reachability import COMMAND, Answered, Silent
from synergos.errors import InvalidRequest, SynergosError
from synergos.identity.handshake import SHOWN, Handshake
from synergos.identity.identity import Renewable
from synergos.identity.refusals import NO_IDENTITY, refusal
from synergos.identity.sealed_http import HANDSHAKE, IDENTITY
from synergos.identity.syft_keys import PublicKeys
from synergos.program.destinations import ANY_NODE, Destinations
from synergos.program.health_probe import connected, probe

_SECONDS = 2.0
_LARGEST_ANSWER = 2**16
_GOOD_FOR = 60.0
"""Seconds for which who has approved is not asked again."""


class IntroducingProbe:
    """See :class:`synergos.domain.reachability.Probe`; any thread may ask.

    Args:
        keys: of this program.
        name: what it is called, for people.
        where: which addresses may be asked.
        endorsement: a statement of whom it belongs to; None where it belongs to nobody.
        clock: monotonic seconds.
        tls: the context of a connection that is made now; None for plain HTTP.
    """

    def __init__(
        self,
        keys: Renewable,
        name: str,
        where: Destinations = ANY_NODE,
        endorsement: Callable[[], Mapping[str, object] | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._keys = keys
        self._name = name
        self._where = where
        self._endorsement = endorsement
        self._clock = clock
        self._tls = tls
        # By address: whose approval was given to whom, and when that was seen.
        self._approved = dict[tuple[str, int], tuple[str, str, float]]()
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, /) -> Answered | Silent:
        """Ask once, and wait for seconds only."""
        found = probe(host, port, self._where, self._tls)
        if not isinstance(found, Answered) or found.interface != COMMAND:
            return found
        if found.fingerprint is None:
            return replace(found, refusal=f"the worker {NO_IDENTITY}")
        own = self._keys.now.fingerprint
        with self._lock:
            known = self._approved.get((host, port))
        if known is not None and known[:2] == (found.fingerprint, own) and self._clock() - known[2] < _GOOD_FOR:
            return found
        try:
            reason = self._introduced(host, port)
        except (OSError, ValueError, http.client.HTTPException, SynergosError):
            # Whoever really asks something of it will be told.
            return found
        with self._lock:
            self._approved.pop((host, port), None)
            if reason is None:
                self._approved[host, port] = (found.fingerprint, own, self._clock())
        return replace(found, refusal=reason)

    def _introduced(self, host: str, port: int) -> str | None:
        """Why the worker's owner does not approve of this program; None where it does."""
        _, content = self._ask(host, port, "GET", IDENTITY, None)
        shown = SHOWN.decode(content)
        worker = PublicKeys.read(shown.document)
        own, endorsement = self._keys.now, self._endorsement()
        handshake = Handshake(own, worker, shown.challenge, self._name, endorsement)
        status, _ = self._ask(host, port, "POST", HANDSHAKE, json.dumps(handshake.question))
        return refusal(status, f"{host}:{port}", own.fingerprint, endorsement)

    def _ask(self, host: str, port: int, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        try:
            sock = connected(host, port, self._where, _SECONDS, self._tls)
        except InvalidRequest as error:
            raise OSError(str(error)) from error
        connection = http.client.HTTPConnection(in_header(host.strip("[]")), port, timeout=_SECONDS)
        with closing(connection):
            connection.sock = sock
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read(_LARGEST_ANSWER)
