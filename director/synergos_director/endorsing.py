"""The director signs for the TTPs of its cluster: who approves of the director approves of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from synergos.errors import WireFormatError
from synergos.identity.identity import Identity, Renewable
from synergos.identity.statements import MEMBERSHIP, Endorsement
from synergos.records.members import Members

log = structlog.get_logger(__name__)

LOOK = 1.0
"""Seconds between two looks for members that are new."""


class Endorsing:
    """Looks after the members of a cluster.

    Args:
        keys: the director's own.
        today: the time.
    """

    def __init__(
        self, keys: Renewable, members: Members, today: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._keys = keys
        self._members = members
        self._today = today

    def look(self) -> float:
        """Sign for those whom this identity has not signed for, or not for long any more; seconds until the next look."""
        for fingerprint, known in self._members.all().items():
            self._see_to(fingerprint, known)
        return LOOK

    def is_member(self, fingerprint: str) -> bool:
        """Whether an identity belongs to the cluster, signed by then; any thread may ask."""
        members = self._members.all()
        if fingerprint not in members:
            return False
        self._see_to(fingerprint, members[fingerprint])
        return True

    def _see_to(self, fingerprint: str, known: Mapping[str, object] | None) -> None:
        own = self._keys.now
        if not self._is_good(known, own):
            said = Endorsement(own.fingerprint, fingerprint, self._today() + MEMBERSHIP)
            self._members.endorse(fingerprint, said.signed_by(own.keys, own.shown_succession))
            log.info("a TTP belongs to this cluster", fingerprint=fingerprint, until=str(said.until))

    def _is_good(self, known: Mapping[str, object] | None, own: Identity) -> bool:
        try:
            said = Endorsement.read(known, self._today())
        except WireFormatError:
            return False
        half = self._today() + MEMBERSHIP / 2
        return said.issuer == own.fingerprint and said.until is not None and said.until > half
