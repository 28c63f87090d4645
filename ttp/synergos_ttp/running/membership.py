"""A cluster's TTP belongs to its director, who has signed that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.identity.identity import Identity, Renewable
from synergos.records.members import Members

log = structlog.get_logger(__name__)

PATIENCE = 5.0
"""Seconds for which the director is waited for, which looks once a second."""
_LOOK = 0.2
SHOWN_SECONDS = 2.0
"""For so long is shown to whoever asks what was seen."""


class Membership:
    """What this TTP shows of whom it belongs to; any thread may ask.

    Args:
        name: what it is called.
        sleep: waits so many seconds.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        keys: Renewable,
        members: Members,
        name: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._members = members
        self._name = name
        self._sleep = sleep
        self._clock = clock
        self._joined = ""
        # Held by the one thread that looks for all who ask; nobody waits for it.
        self._looking = threading.Lock()
        self._looked = float("-inf")
        # Whose it is, and what was signed of it; replaced as a whole.
        self._seen: tuple[str, Mapping[str, object] | None] = ("", None)

    def join(self) -> None:
        """Have the director sign, which takes a moment."""
        own = self._keys.now.fingerprint
        self._members.join(own, self._name)
        self._joined = own

    def identity(self) -> Identity:
        """This TTP's, which the director is told of."""
        own = self._keys.now
        if own.fingerprint != self._joined:
            # Its keys were renewed meanwhile.
            self.join()
        return own

    def endorsement(self) -> Mapping[str, object] | None:
        """What the director has signed; None where it was away for too long."""
        own = self.identity().fingerprint
        left = PATIENCE
        while (found := self._members.endorsement(own)) is None and left > 0:
            self._sleep(_LOOK)
            left -= _LOOK
        return found

    def shown(self) -> Mapping[str, object] | None:
        """What the director has signed, as far as was seen some seconds ago; for strangers, for whom nothing is waited for."""
        if self._clock() - self._looked >= SHOWN_SECONDS and self._looking.acquire(blocking=False):
            try:
                self._looked = self._clock()
                own = self.identity().fingerprint
                self._seen = own, self._members.endorsement(own)
            except SQLAlchemyError as error:
                log.warning("it cannot be seen what the director has signed", reason=type(error).__name__)
            finally:
                self._looking.release()
        whose, found = self._seen
        return found if whose == self._keys.now.fingerprint else None
