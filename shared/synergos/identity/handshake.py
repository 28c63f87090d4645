"""How two identities agree on a channel: a sealed and signed message each way. See docs/wire-formats.md, section 4.1.

Both bring a key that was made for this one channel (X25519, RFC 7748), of which the channel's keys are made (HKDF with SHA-256,
RFC 5869) together with all that was said: who records it and steals an identity's keys later cannot open it. Each message names
whom it is for and what it answers, and the first repeats a challenge that is good once, so that neither can be used again.
"""

from __future__ import annotations

import hmac
import json
import secrets
import struct
import threading
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta, Struct

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.channel import KEY, Channel
from synergos.identity.identity import Identity
from synergos.identity.statements import Fingerprint, Refusal
from synergos.identity.syft_keys import PublicKeys
from synergos.schema import Definition
from synergos.schema.json_text import object_in

PROTOCOL = "synergos channel 1"
CHALLENGE_SECONDS = 120.0
"""For so long a challenge is good."""
_TIME = struct.Struct(">d")
_RANDOM = 16
_MAC = 16

_Sealed = Annotated[str, Meta(max_length=2**16, description="an envelope of syft, in base 64")]
_Challenge = Annotated[str, Meta(pattern="^[0-9a-f]{80}$")]
_Ephemeral = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="a public key of X25519")]


class Shown(Struct, frozen=True, kw_only=True):
    """Who a worker is, as it says itself.

    Attributes:
        document: its public keys.
        challenge: good for one handshake.
        succession: a statement of the identity before it, with those before that.
    """

    document: Mapping[str, object]
    challenge: _Challenge
    succession: Mapping[str, object] | None = None


class Asked(Struct, frozen=True, kw_only=True):
    """What a handshake begins with.

    Attributes:
        document: the public keys of who asks.
        succession: a statement of the identity before it, with those before that.
        endorsement: a statement of whom it belongs to.
    """

    document: Mapping[str, object]
    sealed: _Sealed
    succession: Mapping[str, object] | None = None
    endorsement: Mapping[str, object] | None = None


class Answered(Struct, frozen=True, kw_only=True):
    """What it ends with."""

    sealed: _Sealed


class _Question(Struct, frozen=True, kw_only=True):
    protocol: str
    to: Fingerprint
    challenge: _Challenge
    ephemeral: _Ephemeral
    name: Annotated[str, Meta(max_length=200)] = ""


class _Reply(Struct, frozen=True, kw_only=True):
    protocol: str
    to: Fingerprint
    answers: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    ephemeral: _Ephemeral
    channel: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


SHOWN = Definition(Shown, quotes=False)
ASKED = Definition(Asked, quotes=False)
ANSWERED = Definition(Answered, quotes=False)
_QUESTION = Definition(_Question, quotes=False)
_REPLY = Definition(_Reply, quotes=False)


class Handshake:
    """The side that asks; made for one handshake.

    Args:
        worker: whose keys were shown.
        name: what the asker is called, for people.
        endorsement: a statement of whom it belongs to.
    """

    def __init__(
        self,
        own: Identity,
        worker: PublicKeys,
        challenge: str,
        name: str = "",
        endorsement: Mapping[str, object] | None = None,
    ) -> None:
        self._own = own
        self._worker = worker
        self._ephemeral = X25519PrivateKey.generate()
        said = _Question(
            protocol=PROTOCOL,
            to=worker.fingerprint,
            challenge=challenge,
            ephemeral=_public(self._ephemeral),
            name=name[:200],
        )
        self._envelope = own.keys.seal(_bytes(_QUESTION.write(said)), worker)
        succession = own.shown_succession
        self.question = {
            "document": dict(own.keys.public.document),
            "sealed": b64encode(self._envelope).decode(),
            **({} if succession is None else {"succession": dict(succession)}),
            **({} if endorsement is None else {"endorsement": dict(endorsement)}),
        }
        """What is sent."""

    def channel(self, answer: bytes) -> Channel:
        """The channel that was agreed on.

        Args:
            answer: JSON, as the worker has sent it.

        Raises:
            WireFormatError: it is not this worker's answer to this question.
        """
        envelope = _envelope(_read(ANSWERED, answer).sealed)
        reply = _read(_REPLY, self._own.keys.open(envelope, self._worker))
        if (reply.protocol, reply.to) != (PROTOCOL, self._own.fingerprint):
            raise WireFormatError("the answer to a handshake is for somebody else")
        if reply.answers != sha256(self._envelope).hexdigest():
            raise WireFormatError("the answer to a handshake answers another one")
        keys = _keys(self._ephemeral, reply.ephemeral, self._envelope, envelope)
        return Channel(reply.channel, self._worker.fingerprint, *keys)

    def is_refused(self, answer: bytes, standing: str) -> bool:
        """Whether it is the worker itself that has not agreed, and for that reason; anybody else may have said so."""
        with suppress(WireFormatError, InvalidRequest, ValueError):
            said = Refusal.read(object_in(answer).get("refusal"))
            found = (said.issuer, said.subject, said.answers, said.standing)
            return found == (
                self._worker.fingerprint,
                self._own.fingerprint,
                sha256(self._envelope).hexdigest(),
                standing,
            )
        return False


class Challenges:
    """Challenges that are good once and not for long; nothing is remembered of those that are only given out.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._used: OrderedDict[bytes, float] = OrderedDict()
        # Guards what is used up: of two threads that bring the same challenge one is refused.
        self._lock = threading.Lock()

    def new(self) -> str:
        """Another one."""
        content = _TIME.pack(self._clock()) + secrets.token_bytes(_RANDOM)
        return (content + self._mac(content)).hex()

    def refuse_strange(self, challenge: str) -> bytes:
        """Refuse one that was not given out here, or too long ago.

        Raises:
            WireFormatError: says so.
        """
        text = bytes.fromhex(challenge)
        content, mac = text[:-_MAC], text[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise WireFormatError("a handshake's challenge is not of this worker")
        if not 0 <= self._clock() - _TIME.unpack(content[: _TIME.size])[0] <= CHALLENGE_SECONDS:
            raise WireFormatError("a handshake came too late after its challenge")
        return content

    def use(self, challenge: str) -> None:
        """Use one up.

        Raises:
            WireFormatError: it was used before, is too old or not of this worker.
        """
        content = self.refuse_strange(challenge)
        with self._lock:
            now = self._clock()
            while self._used and next(iter(self._used.values())) < now - CHALLENGE_SECONDS:
                self._used.popitem(last=False)
            if content in self._used:
                raise WireFormatError("a handshake came twice")
            self._used[content] = now

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, "sha256")[:_MAC]


class Greeting:
    """A handshake that was asked for, opened and believed, before it is answered.

    Attributes:
        peer: who asks, which it has proved.
        name: what it calls itself, which nothing proves.

    Raises on making :class:`WireFormatError`: it was not made for this worker and this challenge by who says so.
    """

    def __init__(self, own: Identity, asked: Asked, challenges: Challenges) -> None:
        self._own = own
        self.peer = PublicKeys.read(asked.document)
        self._envelope = _envelope(asked.sealed)
        said = _read(_QUESTION, own.keys.open(self._envelope, self.peer))
        if (said.protocol, said.to) != (PROTOCOL, own.fingerprint):
            raise WireFormatError("a handshake is for somebody else")
        challenges.use(said.challenge)
        self.name = said.name
        self._theirs = said.ephemeral

    def refusal(self, standing: str) -> dict[str, object]:
        """That who asks is not let in, signed."""
        answers = sha256(self._envelope).hexdigest()
        said = Refusal(self._own.fingerprint, self.peer.fingerprint, answers=answers, standing=standing)
        return said.signed_by(self._own.keys)

    def answer(self) -> tuple[Channel, dict[str, object]]:
        """Agree: the channel, and what is to be answered."""
        ephemeral, channel_id = X25519PrivateKey.generate(), secrets.token_hex(16)
        said = _Reply(
            protocol=PROTOCOL,
            to=self.peer.fingerprint,
            answers=sha256(self._envelope).hexdigest(),
            ephemeral=_public(ephemeral),
            channel=channel_id,
        )
        envelope = self._own.keys.seal(_bytes(_REPLY.write(said)), self.peer)
        keys = _keys(ephemeral, self._theirs, self._envelope, envelope)
        return Channel(channel_id, self.peer.fingerprint, *keys), {"sealed": b64encode(envelope).decode()}


def _keys(own: X25519PrivateKey, theirs: str, question: bytes, answer: bytes) -> tuple[AESGCM, AESGCM]:
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(theirs)))
    except ValueError as error:
        raise WireFormatError("a handshake's key is none") from error
    salt = sha256(struct.pack(">II", len(question), len(answer)) + question + answer).digest()
    both = HKDF(algorithm=SHA256(), length=2 * KEY, salt=salt, info=PROTOCOL.encode()).derive(shared)
    return AESGCM(both[:KEY]), AESGCM(both[KEY:])


def _public(key: X25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _envelope(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise WireFormatError("a sealed message is not written in base 64") from error


def _bytes(content: Mapping[str, object]) -> bytes:
    return json.dumps(content).encode()


def _read(definition: Definition[Any], content: bytes) -> Any:
    try:
        return definition.decode(content)
    except InvalidRequest as error:
        raise WireFormatError(f"a handshake is not as agreed: {error}") from None
