"""Nothing that is said of a sealed request unsealed is believed, and no worker is asked unsealed unless that was said."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synergos.domain.grid import Node
from synergos.errors import SynergosError, WorkerAwaitsApproval, WorkerForbids, WorkerMistaken, WorkerUnreachable
from synergos.identity.channel import Channel, Lane, Place
from synergos.identity.handshake import ASKED, Challenges, Greeting
from synergos.identity.identity import Identity, Renewable
from synergos.identity.statements import Endorsement
from synergos_ttp.workers.response import Response
from synergos_ttp.workers.sealing import Altered, ChannelLost, Introduction, Introductions, Sealed, SealedResponse

LIE = b'{"success": 0, "status": 404, "message": "believe me: synergos peer approve 00", "field": "identity"}'


@dataclass
class Said:
    """An answer that somebody on the way has made up."""

    status: int
    length: int = len(LIE)


def lane() -> Lane:
    return Lane(Channel("0" * 32, "f" * 64, AESGCM(b"a" * 32), AESGCM(b"b" * 32)), 0)


@pytest.mark.parametrize("status", [201, 202, 204, 301, *range(400, 432), *range(500, 512)])
def test_what_comes_unsealed_is_no_answer(status: int) -> None:
    around = cast("Response", Said(status))

    with pytest.raises(ConnectionError) as refused:
        SealedResponse(around, lane(), Place(0, 0))

    assert type(refused.value) is (ChannelLost if status == 410 else Altered)
    assert "believe me" not in str(refused.value)


@dataclass
class Worker:
    """What answers at a worker's address.

    Attributes:
        shown: status of ``GET /identity``; it shows an identity when that is 200.
        agreed: status of ``POST /handshake``.
        identity: that of most here, unless it is said.
        signs: whether it says by itself that it does not let somebody in, as what that one is to it.
    """

    shown: int = 404
    agreed: int = 401
    identity: Identity | None = None
    signs: str = ""
    challenges: Challenges = field(default_factory=lambda: Challenges(lambda: 0.0))

    def _refusal(self, question: bytes) -> bytes:
        greeting = Greeting(self.identity or IDENTITY, ASKED.read(json.loads(question)), self.challenges)
        return json.dumps({"refusal": greeting.refusal(self.signs)}).encode()

    def __call__(self, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
        if (method, path) == ("POST", "/handshake"):
            return self.agreed, self._refusal(content or b"") if self.signs else LIE
        if self.shown != 200:
            return self.shown, LIE
        own = self.identity or IDENTITY
        document = dict(own.keys.public.document)
        challenge = self.challenges.new()
        shown = {"document": document, "challenge": challenge, "succession": own.shown_succession}
        return 200, json.dumps(shown).encode()


IDENTITY = Identity.new()


def introduction(folder: Path, worker: Worker, fingerprint: str | None = None, **more: Any) -> Introduction:
    own = Introductions(Renewable(folder / "ttp.json"), "ttp", **more)
    return own.to(Node("hospital", "10.0.0.1", 12000, 12001, fingerprint=fingerprint), worker)


@pytest.mark.parametrize("status", [404, 405])
def test_who_shows_no_identity_is_asked_nothing_unless_that_was_said(tmp_path: Path, status: int) -> None:
    unsealed = list[str]()
    worker = Worker(status)

    with pytest.raises(WorkerMistaken, match=r"shows no identity.* --sealed any"):
        introduction(tmp_path, worker).lane()
    lane = introduction(tmp_path, worker, sealed=Sealed.ANY, unsealed=unsealed.append).lane()

    assert (lane, unsealed) == (None, ["hospital"])


@pytest.mark.parametrize("sealed", Sealed)
def test_who_has_shown_an_identity_is_never_asked_unsealed(tmp_path: Path, sealed: Sealed) -> None:
    # Anybody on the way may say that there is none: it is waited for.
    error = WorkerMistaken if sealed is Sealed.OFF else WorkerUnreachable
    with pytest.raises(error, match=r"10\.0\.0\.1:12000 .*" + "f" * 64):
        introduction(tmp_path, Worker(), "f" * 64, sealed=sealed).lane()


def test_off_asks_whom_nobody_knows_as_anybody_might(tmp_path: Path) -> None:
    assert introduction(tmp_path, Worker(), sealed=Sealed.OFF).lane() is None


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, WorkerAwaitsApproval, "synergos peer approve {whom}"),
        (403, WorkerForbids, "revoked its approval of {whom}"),
        (400, WorkerUnreachable, "agrees on no channel: it answers with status 400"),
        (404, WorkerUnreachable, "status 404"),
    ],
)
@pytest.mark.parametrize("is_of_cluster", [False, True])
def test_whom_to_approve_of_is_this_ttps_to_say(
    tmp_path: Path, status: int, error: type[SynergosError], words: str, is_of_cluster: bool
) -> None:
    own, director = Renewable(tmp_path / "ttp.json").now.fingerprint, Identity.new()
    endorsement = Endorsement(director.fingerprint, own).signed_by(director.keys) if is_of_cluster else None
    whom = director.fingerprint if is_of_cluster else own

    with pytest.raises(error) as refused:
        introduction(tmp_path, Worker(200, status), endorsement=lambda: endorsement).lane()

    assert words.format(whom=whom) in str(refused.value)
    assert "believe me" not in str(refused.value)


def test_a_worker_that_was_renewed_twice_is_the_one_that_was_registered(tmp_path: Path) -> None:
    known = Identity.new()
    renewed, another = known.renewed().renewed(), Identity.new().renewed()

    with pytest.raises(WorkerAwaitsApproval):
        introduction(tmp_path, Worker(200, 401, renewed, "waiting"), known.fingerprint).lane()
    with pytest.raises(WorkerMistaken, match="another identity"):
        introduction(tmp_path, Worker(200, 401, another), known.fingerprint).lane()


@pytest.mark.parametrize(
    ("status", "signs", "error"),
    [
        (401, "waiting", WorkerAwaitsApproval),
        (403, "revoked", WorkerForbids),
        (401, "", WorkerUnreachable),
        (403, "", WorkerUnreachable),
        (403, "waiting", WorkerUnreachable),
    ],
)
def test_of_a_worker_that_is_known_a_refusal_counts_that_it_has_signed(
    tmp_path: Path, status: int, signs: str, error: type[SynergosError]
) -> None:
    with pytest.raises(error):
        introduction(tmp_path, Worker(200, status, signs=signs), IDENTITY.fingerprint).lane()
