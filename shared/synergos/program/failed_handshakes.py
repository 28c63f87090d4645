"""Handshakes of TLS that came to nothing, for the log: who asks again and again fills no disk by that."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from synergos.tls.handshake_errors import reason_of

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 60.0
_MOST = 1000


class FailedHandshakes:
    """Says of each address and reason once a minute why; of the main thread alone.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By address and reason, when it was said; the oldest first.
        self._said: dict[tuple[str, str], float] = {}

    def note(self, address: str, error: Exception) -> None:
        """One more has failed; who only looks whether a port is open is no one to speak of."""
        reason = reason_of(error)
        if reason is None:
            return
        now, what = self._clock(), (address, reason)
        for known, when in list(self._said.items()):
            if now - when < _AGAIN_SECONDS:
                break
            del self._said[known]
        if what in self._said or len(self._said) >= _MOST:
            return
        self._said[what] = now
        log.warning("a TLS handshake failed", address=address, reason=reason)
