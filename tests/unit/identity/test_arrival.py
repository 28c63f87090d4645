"""A worker that arrives at a rendezvous, and who keeps that, prove who they are: to each other, now, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes.clock import Clock
from synergos.errors import WireFormatError
from synergos.identity import arrival
from synergos.identity.arrival import Keeper, arrive, arrived, keeper_of, nonce, offer
from synergos.identity.handshake import Challenges
from synergos.identity.identity import Identity
from synergos.identity.statements import Endorsement

TTP, WORKER, OTHER, DIRECTOR = (Identity.new() for _ in range(4))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def challenges(clock: Clock) -> Challenges:
    return Challenges(clock)


def keeper(challenges: Challenges, own: Identity = TTP) -> Keeper:
    drawn = nonce()
    return keeper_of(json.dumps(offer(own, drawn, challenges)).encode(), drawn)


def proof(met: Keeper, own: Identity = WORKER) -> bytes:
    return json.dumps(arrive(own, met, "instance", 12.5)).encode()


def test_both_know_each_other_then(challenges: Challenges) -> None:
    met = keeper(challenges)

    found = arrived(proof(met), TTP, challenges)

    assert met.fingerprint == TTP.fingerprint
    assert (found.fingerprint, found.instance, found.started) == (WORKER.fingerprint, "instance", 12.5)


def test_a_proof_is_good_once(challenges: Challenges) -> None:
    said = proof(keeper(challenges))
    arrived(said, TTP, challenges)

    with pytest.raises(WireFormatError, match="twice"):
        arrived(said, TTP, challenges)


def test_a_proof_is_good_for_two_minutes(challenges: Challenges, clock: Clock) -> None:
    said = proof(keeper(challenges))
    clock.now += 121

    with pytest.raises(WireFormatError, match="too late"):
        arrived(said, TTP, challenges)


def test_a_proof_is_good_at_one_rendezvous(challenges: Challenges) -> None:
    met = keeper(challenges)

    with pytest.raises(WireFormatError, match="somebody else's rendezvous"):
        arrived(proof(replace(met, fingerprint=OTHER.fingerprint)), TTP, challenges)
    with pytest.raises(WireFormatError):
        arrived(proof(met), TTP, Challenges(Clock()))


def test_nobody_arrives_with_anothers_name(challenges: Challenges) -> None:
    said = json.loads(proof(keeper(challenges), OTHER))
    said["arrival"]["statement"]["issuer"] = WORKER.fingerprint
    with pytest.raises(WireFormatError):
        arrived(json.dumps(said).encode(), TTP, challenges)

    said["arrival"]["document"] = dict(WORKER.keys.public.document)
    with pytest.raises(WireFormatError):
        arrived(json.dumps(said).encode(), TTP, challenges)


def test_a_rendezvous_that_repeats_what_another_has_proved_is_not_believed(challenges: Challenges) -> None:
    recorded = json.dumps(offer(TTP, nonce(), challenges)).encode()

    with pytest.raises(WireFormatError, match="asked for by somebody else"):
        keeper_of(recorded, nonce())


@pytest.mark.parametrize("drawn", ["", "a" * 63, "g" * 64])
def test_a_rendezvous_signs_nothing_but_nonces(challenges: Challenges, drawn: str) -> None:
    with pytest.raises(WireFormatError, match="nonce"):
        offer(TTP, drawn, challenges)


def test_a_renewed_worker_is_known_by_the_identity_before(challenges: Challenges) -> None:
    renewed = WORKER.renewed()

    found = arrived(proof(keeper(challenges), renewed), TTP, challenges)

    assert (found.fingerprint, found.line) == (renewed.fingerprint, (WORKER.fingerprint,))


def test_a_rendezvous_says_whom_it_belongs_to_as_far_as_that_is_proved(challenges: Challenges) -> None:
    until = TTP.made + timedelta(days=1)
    signed = Endorsement(DIRECTOR.fingerprint, TTP.fingerprint, until).signed_by(DIRECTOR.keys)
    others = Endorsement(DIRECTOR.fingerprint, OTHER.fingerprint, until).signed_by(DIRECTOR.keys)
    drawn = nonce()

    of = [
        keeper_of(json.dumps(offer(TTP, drawn, challenges, shown)).encode(), drawn).director
        for shown in (signed, others, None)
    ]

    assert of == [DIRECTOR.fingerprint, "", ""]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"arrival": {}}', b"\xff", b'{"arrival": {"statement": 1}}'])
def test_what_is_no_proof_is_refused(challenges: Challenges, content: bytes) -> None:
    with pytest.raises(WireFormatError):
        arrived(content, TTP, challenges)


def test_an_arrival_without_a_time_or_a_challenge_is_refused(challenges: Challenges) -> None:
    met = keeper(challenges)
    good = arrival.Arrival(
        WORKER.fingerprint, TTP.fingerprint, challenge=met.challenge, instance="instance", started="1"
    )
    for said in (
        replace(good, started="soon"),
        replace(good, challenge="zz"),
        replace(good, challenge="0" * 80),
    ):
        with pytest.raises(WireFormatError):
            arrived(json.dumps({"arrival": said.signed_by(WORKER.keys)}).encode(), TTP, challenges)
