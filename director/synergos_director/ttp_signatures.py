"""Whose outcomes a director believes: those that the TTP has signed that has the job, and that belongs to the cluster."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.signed_messages import SIGNED_HEADER, signature_of
from synergos_director.endorsing import Endorsing

_QUEUE = "completed"


class TtpSignatures:
    """Looks who has signed outcomes; in the listener's thread.

    Args:
        endorsing: knows the members.
        cluster: the id of the record store.
    """

    def __init__(self, endorsing: Endorsing, cluster: str) -> None:
        self._endorsing = endorsing
        self._cluster = cluster

    def check(self, body: bytes, headers: Mapping[str, object], holder: str) -> None:
        """Make sure that an outcome is from who has its job.

        Args:
            holder: the fingerprint under which the job was taken up.

        Raises:
            InvalidRequest: it is not.
        """
        try:
            found = signature_of(headers, body, _QUEUE, self._cluster)
        except WireFormatError as error:
            raise InvalidRequest(f"{error}: it is forged, or was altered", SIGNED_HEADER) from error
        if holder not in found.line:
            raise InvalidRequest(f"signed by {found.signer}, who does not have the job: it is forged", SIGNED_HEADER)
        if not self._endorsing.is_member(found.signer):
            raise InvalidRequest(f"signed by {found.signer}, who is no TTP of this cluster", SIGNED_HEADER)
