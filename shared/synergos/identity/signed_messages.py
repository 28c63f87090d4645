"""Messages of a cluster's queue: whoever puts one in signs it, for that cluster, that queue and these very bytes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from synergos.errors import WireFormatError
from synergos.identity.identity import Identity
from synergos.identity.statements import Statement, successions

SIGNED_HEADER = "x-synergos-signed"
"""A message's header with the statement of who has put it in, as JSON; the message itself stays what it was."""
_LARGEST = 2**16
"""Characters of it: one that shows as many renewals as are looked at has some 20,000."""


@dataclass(frozen=True)
class Queued(Statement):
    """The issuer has put a message into a queue of a cluster, which is the subject.

    Attributes:
        queue: its name.
        digest: SHA-256 of the message's bytes.
        nonce: 128 random bits; in no other message.
        sent: when.
    """

    kind = "queued"
    queue: str = ""
    digest: str = ""
    nonce: str = ""
    sent: str = ""

    def _content(self) -> dict[str, object]:
        more = ("queue", "digest", "nonce", "sent")
        return {**super()._content(), **{name: getattr(self, name) for name in more}}


@dataclass(frozen=True)
class Signature:
    """Who has put a message in.

    Attributes:
        line: its fingerprint, and those of the identities that it came after, as far as it shows them.
    """

    line: tuple[str, ...]
    nonce: str

    @property
    def signer(self) -> str:
        """The fingerprint of who has signed."""
        return self.line[0]


class MessageSigner:
    """Signs what a program puts into its cluster's queue; any thread may have something signed.

    Args:
        who: the program's identity as it is now.
        cluster: the id of the record store.
    """

    def __init__(self, who: Callable[[], Identity], cluster: str) -> None:
        self._who = who
        self._cluster = cluster

    def __call__(self, queue: str, body: bytes) -> dict[str, str]:
        """The headers that go with a message."""
        own, sent = self._who(), datetime.now(UTC).isoformat(timespec="seconds")
        said = Queued(
            own.fingerprint, self._cluster, None, queue, sha256(body).hexdigest(), secrets.token_hex(16), sent
        )
        return {SIGNED_HEADER: json.dumps(said.signed_by(own.keys, own.shown_succession))}


def signature_of(headers: Mapping[str, object], body: bytes, queue: str, cluster: str) -> Signature:
    """Who has put a message into a queue of a cluster.

    Raises:
        WireFormatError: nobody has signed these bytes for that queue of that cluster; says what is wrong.
    """
    found = headers.get(SIGNED_HEADER)
    if found is None:
        raise WireFormatError("nobody has signed the message")
    if not isinstance(found, str) or len(found) > _LARGEST:
        raise WireFormatError("expected a signed statement with the message")
    try:
        shown = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise WireFormatError("expected a signed statement with the message, in JSON") from error
    said = Queued.read(shown)
    if said.subject != cluster or said.queue != queue:
        raise WireFormatError("the message was signed for another queue")
    if said.digest != sha256(body).hexdigest():
        raise WireFormatError("the message is not the one that was signed")
    before = successions(shown.get("before"), said.issuer)
    return Signature((said.issuer, *(each.issuer for each in before)), said.nonce)
