"""What a worker that dials out proves at its orchestrator's rendezvous, and what that has proved before: see docs/wire-formats.md, section 4.4.

Neither proof is good a second time: the rendezvous signs what the worker has drawn, and the worker what the rendezvous has.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.handshake import Challenges
from synergos.identity.identity import Identity
from synergos.identity.statements import Endorsement, Statement, successions
from synergos.schema import Definition

RENDEZVOUS = "/rendezvous"
UPGRADE = "synergos-rendezvous"
"""The protocol that a connection goes on with once its worker has arrived."""
KEEP_ALIVE, COMMAND, DATA = b"\0", b"\1", b"\2"
"""What the orchestrator sends by a connection that waits: that it is still there, which is answered alike; or that from the next
byte on it asks the command port, or the data port."""
KEEP_ALIVE_SECONDS = 20.0
"""Between two of the first kind: proxies and load balancers let go of what is silent for 30 s or more."""
SILENCE_SECONDS = 60.0
"""After which a worker takes a connection for lost by which not even that has come."""

_RANDOM = 32
_CHALLENGE = 80
_Challenge = Annotated[str, Meta(pattern="^[0-9a-f]{80}$")]


class Offered(Struct, frozen=True, kw_only=True):
    """Who keeps a rendezvous.

    Attributes:
        challenge: good for one arrival.
        welcome: the statement with which it proves who it is.
        endorsement: a statement of whom it belongs to.
    """

    challenge: _Challenge
    welcome: Mapping[str, object]
    endorsement: Mapping[str, object] | None = None


class Arriving(Struct, frozen=True, kw_only=True):
    """Who arrives there: the statement with which it proves that."""

    arrival: Mapping[str, object]


OFFERED = Definition(Offered, quotes=False)
ARRIVING = Definition(Arriving, quotes=False)


@dataclass(frozen=True)
class Welcome(Statement):
    """The issuer, an orchestrator, keeps the rendezvous that was asked by whoever has drawn the nonce."""

    kind = "welcome"
    nonce: str = ""

    def _content(self) -> dict[str, object]:
        return {**super()._content(), "nonce": self.nonce}


@dataclass(frozen=True)
class Arrival(Statement):
    """The issuer, a worker, has arrived at the rendezvous of the subject.

    Attributes:
        challenge: of that rendezvous, for this arrival.
        instance: of the worker, which tells it from another process with its identity.
        started: seconds since 1970 at which that was started, in decimal.
    """

    kind = "arrival"
    challenge: str = ""
    instance: str = ""
    started: str = ""

    def _content(self) -> dict[str, object]:
        more = ("challenge", "instance", "started")
        return {**super()._content(), **{name: getattr(self, name) for name in more}}


@dataclass(frozen=True)
class Keeper:
    """Who keeps a rendezvous, as it has proved.

    Attributes:
        line: the identities it came after, the newest first.
        director: whom it belongs to; empty where it does not say.
    """

    fingerprint: str
    challenge: str
    line: tuple[str, ...] = ()
    director: str = ""


@dataclass(frozen=True)
class Arrived:
    """Who has arrived, as it has proved.

    Attributes:
        line: the identities it came after, the newest first.
        started: when this process of it was, in seconds since 1970.
    """

    fingerprint: str
    instance: str
    started: float
    line: tuple[str, ...] = ()


def nonce() -> str:
    """What a rendezvous is asked with, and nobody has asked with before."""
    return secrets.token_hex(_RANDOM)


def offer(
    own: Identity, drawn: str, challenges: Challenges, endorsement: Mapping[str, object] | None = None
) -> dict[str, object]:
    """What a rendezvous answers to whoever has drawn this nonce.

    Raises:
        WireFormatError: it is no nonce.
    """
    if len(drawn) != 2 * _RANDOM or not set(drawn) <= set("0123456789abcdef"):
        raise WireFormatError(f"expected ?nonce= with {2 * _RANDOM} hexadecimal digits")
    said = Welcome(own.fingerprint, "", nonce=drawn).signed_by(own.keys, own.shown_succession)
    return OFFERED.write(Offered(challenge=challenges.new(), welcome=said, endorsement=endorsement))


def keeper_of(content: bytes, drawn: str) -> Keeper:
    """Who keeps the rendezvous that has answered so.

    Raises:
        WireFormatError: it has not proved who it is, or that to somebody else.
    """
    offered = _read(OFFERED, content)
    said = Welcome.read(offered.welcome)
    if said.nonce != drawn:
        raise WireFormatError("what a rendezvous proves was asked for by somebody else, or before")
    line = tuple(each.issuer for each in successions(offered.welcome.get("before"), said.issuer))
    return Keeper(said.issuer, offered.challenge, line, _director(offered.endorsement, said.issuer))


def arrive(own: Identity, keeper: Keeper, instance: str, started: float) -> dict[str, object]:
    """What a worker proves there."""
    said = Arrival(
        own.fingerprint,
        keeper.fingerprint,
        challenge=keeper.challenge,
        instance=instance,
        started=f"{started:.3f}",
    )
    return {"arrival": said.signed_by(own.keys, own.shown_succession)}


def arrived(content: bytes, own: Identity, challenges: Challenges) -> Arrived:
    """Who has arrived; the challenge is used up.

    Raises:
        WireFormatError: it has not proved who it is, not here, or not now.
    """
    shown = _read(ARRIVING, content).arrival
    said = Arrival.read(shown)
    if said.subject != own.fingerprint:
        raise WireFormatError("the arrival is at somebody else's rendezvous")
    try:
        started = float(said.started)
    except ValueError:
        raise WireFormatError("an arrival says when its worker was started") from None
    if len(said.challenge) != _CHALLENGE or not set(said.challenge) <= set("0123456789abcdef"):
        raise WireFormatError("an arrival answers a challenge of this rendezvous")
    challenges.use(said.challenge)
    line = tuple(each.issuer for each in successions(shown.get("before"), said.issuer))
    return Arrived(said.issuer, said.instance[:100], started, line)


def _director(shown: Mapping[str, object] | None, member: str) -> str:
    """Whom a keeper belongs to, as far as that is proved."""
    if shown is None:
        return ""
    try:
        said = Endorsement.read(shown)
    except WireFormatError:
        return ""
    return said.issuer if said.subject == member else ""


def _read(definition: Definition[Any], content: bytes) -> Any:
    try:
        return definition.decode(content)
    except InvalidRequest as error:
        raise WireFormatError(f"what is said at a rendezvous is not as agreed: {error}") from None
