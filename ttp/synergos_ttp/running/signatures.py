"""What goes through a cluster's queue is signed: this TTP signs its outcomes, and takes jobs from its director alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.signed_messages import SIGNED_HEADER, MessageSigner, signature_of
from synergos.identity.statements import Endorsement, successions
from synergos_ttp.running.membership import Membership

_NO_DIRECTOR = "no director has signed that this TTP belongs to its cluster, or not for a week; its jobs wait for that"


class Signatures:
    """Signs for a TTP, and knows its director by what that has signed of it in the record store.

    Args:
        cluster: the id of the record store.
    """

    def __init__(self, membership: Membership, cluster: str) -> None:
        self._membership = membership
        self._cluster = cluster
        self.sign = MessageSigner(membership.identity, cluster)
        # Of the thread that takes jobs: what was shown last, the director by that with those it came after, and until when.
        self._shown: Mapping[str, object] | None = None
        self._director: tuple[str, ...] = ()
        self._until = datetime.min.replace(tzinfo=UTC)

    @property
    def own(self) -> str:
        """The fingerprint under which jobs are taken up."""
        return self._membership.identity().fingerprint

    def check(self, body: bytes, headers: Mapping[str, object], queue: str) -> str:
        """Make sure that a job is from the director; the message's nonce.

        Args:
            queue: where the director puts such a job.

        Raises:
            InvalidRequest: it is not, or was altered.
            ConnectionError: the director is not known yet, or not any more.
        """
        try:
            found = signature_of(headers, body, queue, self._cluster)
        except WireFormatError as error:
            raise InvalidRequest(f"{error}: it is forged, or was altered", SIGNED_HEADER) from error
        known = self._known()
        # It may have been renewed since it signed the message, or since it signed for this TTP.
        if found.signer not in known and known[0] not in found.line:
            raise InvalidRequest(f"signed by {found.signer}, who is not the director {known[0]}", SIGNED_HEADER)
        return found.nonce

    def _known(self) -> tuple[str, ...]:
        shown = self._membership.endorsement()
        if shown is None:
            raise ConnectionError(_NO_DIRECTOR)
        if shown != self._shown or self._until < datetime.now(UTC):
            try:
                said = Endorsement.read(shown)
            except WireFormatError as error:
                raise ConnectionError(_NO_DIRECTOR) from error
            before = successions(shown.get("before"), said.issuer)
            self._director = (said.issuer, *(each.issuer for each in before))
            self._shown = shown
            # A renewal is over before that, at the latest, and looked at again then.
            self._until = min(each.until for each in (said, *before) if each.until is not None)
        return self._director
