"""What was agreed in a handshake is known to two identities; what is said afterwards can be neither read nor moved."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence

import pytest

from fakes.clock import Clock
from synergos.errors import WireFormatError
from synergos.identity.channel import (
    RECORD,
    TAG,
    Channel,
    Expected,
    Lanes,
    Opening,
    Place,
    Sealing,
    record_size,
    sealed_length,
)
from synergos.identity.handshake import ASKED, CHALLENGE_SECONDS, Challenges, Greeting, Handshake
from synergos.identity.identity import Identity

TTP, WORKER = Identity.new(), Identity.new()


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def challenges(clock: Clock) -> Challenges:
    return Challenges(clock)


def asking(challenges: Challenges, own: Identity = TTP, worker: Identity = WORKER) -> Handshake:
    return Handshake(own, worker.keys.public, challenges.new(), "ttp")


def agreed() -> tuple[Channel, Channel]:
    challenges = Challenges(Clock(100.0))
    handshake = asking(challenges)
    theirs, answer = Greeting(WORKER, ASKED.read(handshake.question), challenges).answer()
    return handshake.channel(json.dumps(answer).encode()), theirs


def sealed(channel: Channel, place: Place, head: bytes, content: bytes) -> bytes:
    sealing = Sealing(channel.asking, place)
    return sealing.head(head, len(content)) + b"".join(bytes(record) for record in sealing.content([content]))


def opened(channel: Channel, place: Place, message: bytes, length: int) -> tuple[bytes, bytes]:
    opening = Opening(channel.asking, place, io.BytesIO(message).readinto)
    head = opening.head()
    opening.expect(length)
    return head, opening.read(length)


# Handshake


def test_both_agree_on_the_same_keys_and_know_who_the_other_is() -> None:
    ours, theirs = agreed()

    assert (ours.id, ours.peer, theirs.peer) == (theirs.id, WORKER.fingerprint, TTP.fingerprint)
    assert opened(theirs, Place(0, 0), sealed(ours, Place(0, 0), b"head", b"content"), 7) == (b"head", b"content")


def test_each_handshake_makes_keys_of_its_own() -> None:
    first, second = agreed()[0], agreed()[1]

    with pytest.raises(WireFormatError, match="altered"):
        opened(second, Place(0, 0), sealed(first, Place(0, 0), b"head", b""), 0)


def test_a_handshake_that_is_sent_again_is_refused(challenges: Challenges) -> None:
    asked = ASKED.read(asking(challenges).question)
    Greeting(WORKER, asked, challenges)

    with pytest.raises(WireFormatError, match="came twice"):
        Greeting(WORKER, asked, challenges)


def test_one_that_was_kept_back_is_refused(challenges: Challenges, clock: Clock) -> None:
    asked = ASKED.read(asking(challenges).question)
    clock.now += CHALLENGE_SECONDS + 1

    with pytest.raises(WireFormatError, match="too late"):
        Greeting(WORKER, asked, challenges)


def test_one_for_another_worker_is_refused(challenges: Challenges) -> None:
    asked = ASKED.read(asking(challenges, worker=Identity.new()).question)

    with pytest.raises(WireFormatError, match="not for us"):
        Greeting(WORKER, asked, challenges)


def test_one_with_a_challenge_of_somebody_else_is_refused(challenges: Challenges) -> None:
    asked = ASKED.read(asking(Challenges(Clock(100.0))).question)

    with pytest.raises(WireFormatError, match="not of this worker"):
        Greeting(WORKER, asked, challenges)


def test_nobody_passes_for_another(challenges: Challenges) -> None:
    impostor = asking(challenges, own=Identity.new()).question
    asked = ASKED.read({**impostor, "document": dict(TTP.keys.public.document)})

    with pytest.raises(WireFormatError, match="not from whom it says"):
        Greeting(WORKER, asked, challenges)


@pytest.mark.parametrize("place", [0, 100, -200, -100, -1])
def test_one_that_was_altered_is_refused_or_leads_nowhere(challenges: Challenges, place: int) -> None:
    handshake = asking(challenges)
    envelope = bytearray(b64decode(str(handshake.question["sealed"])))
    envelope[place] ^= 1
    altered = {**handshake.question, "sealed": b64encode(envelope).decode()}

    with pytest.raises(WireFormatError):
        Greeting(WORKER, ASKED.read(altered), challenges)


def test_what_syft_does_not_look_at_cannot_be_altered_either(challenges: Challenges) -> None:
    # An envelope's header is filled up with bytes that no signature covers.
    handshake = asking(challenges)
    envelope = bytearray(b64decode(str(handshake.question["sealed"])))
    envelope[3000] ^= 1
    altered = {**handshake.question, "sealed": b64encode(envelope).decode()}
    _, answer = Greeting(WORKER, ASKED.read(altered), challenges).answer()

    with pytest.raises(WireFormatError, match="answers another one"):
        handshake.channel(json.dumps(answer).encode())


def test_an_answer_of_somebody_else_is_refused(challenges: Challenges) -> None:
    first, second = asking(challenges), asking(challenges)
    _, answer = Greeting(WORKER, ASKED.read(first.question), challenges).answer()

    with pytest.raises(WireFormatError, match="answers another one"):
        second.channel(json.dumps(answer).encode())


def test_a_worker_that_only_says_who_it_is_is_found_out(challenges: Challenges) -> None:
    handshake, impostor = asking(challenges), Identity.new()
    asked = ASKED.read(Handshake(TTP, impostor.keys.public, challenges.new()).question)
    _, answer = Greeting(impostor, asked, challenges).answer()

    with pytest.raises(WireFormatError, match="not from whom it says"):
        handshake.channel(json.dumps(answer).encode())


# Messages


@pytest.mark.parametrize("length", [0, 1, 100, RECORD - 1, RECORD, RECORD + 1, 3 * RECORD + 5])
def test_a_message_of_any_length_arrives(length: int) -> None:
    ours, theirs = agreed()
    content = bytes(range(251)) * (length // 251 + 1)
    content = content[:length]

    message = sealed(ours, Place(3, 4), b"head", content)

    assert len(message) == 4 + 4 + TAG + sealed_length(length)
    assert opened(theirs, Place(3, 4), message, length) == (b"head", content)


@pytest.mark.parametrize(
    ("length", "size"), [(0, 2**14), (2**16, 2**14), (2**21 - 1, 2**14), (2**21, 2**15), (2**24, 2**18), (2**40, 2**18)]
)
def test_little_of_a_message_is_in_one_record(length: int, size: int) -> None:
    # A cut line loses what has come of a record; a few records of a long one are cheaper than many.
    assert record_size(length) == size


@pytest.mark.parametrize("pieces", [[b"a" * 5, b"b" * 7], [b"x" * RECORD, b"y"], [b"x", b"y" * (2 * RECORD)], [b""]])
def test_it_may_come_in_pieces(pieces: Sequence[bytes]) -> None:
    ours, theirs = agreed()
    sealing = Sealing(ours.asking, Place(0, 0))
    length = sum(map(len, pieces))
    message = sealing.head(b"", length) + b"".join(bytes(record) for record in sealing.content(pieces))

    assert opened(theirs, Place(0, 0), message, length)[1] == b"".join(pieces)


@pytest.mark.parametrize("place", [0, 3, 4, 10, 4 + 4 + TAG, RECORD, -1])
def test_a_message_that_was_altered_is_refused(place: int) -> None:
    ours, theirs = agreed()
    message = bytearray(sealed(ours, Place(0, 0), b"head", b"c" * (RECORD + 5)))
    message[place] ^= 1

    with pytest.raises(WireFormatError):
        opened(theirs, Place(0, 0), bytes(message), RECORD + 5)


def test_records_that_were_exchanged_are_refused() -> None:
    ours, theirs = agreed()
    size = record_size(0)
    message = sealed(ours, Place(0, 0), b"", b"a" * size + b"b" * size)
    head, first, second = message[: 4 + TAG], message[4 + TAG :][: size + TAG], message[-size - TAG :]

    with pytest.raises(WireFormatError, match="altered"):
        opened(theirs, Place(0, 0), head + second + first, 2 * size)


def test_a_message_that_ends_early_is_refused() -> None:
    ours, theirs = agreed()
    size = record_size(2 * RECORD)
    message = sealed(ours, Place(0, 0), b"", b"a" * (2 * RECORD))

    with pytest.raises(WireFormatError, match="ended early"):
        opened(theirs, Place(0, 0), message[: -size - TAG], 2 * RECORD)


def test_an_answer_is_no_question() -> None:
    ours, theirs = agreed()
    message = Sealing(theirs.answering, Place(0, 0)).head(b"head", 0)

    with pytest.raises(WireFormatError, match="altered"):
        opened(theirs, Place(0, 0), message, 0)
    assert Opening(ours.answering, Place(0, 0), io.BytesIO(message).readinto).head() == b"head"


def test_a_message_of_another_place_is_refused() -> None:
    ours, theirs = agreed()

    with pytest.raises(WireFormatError, match="altered"):
        opened(theirs, Place(0, 1), sealed(ours, Place(0, 0), b"head", b""), 0)


# Order


def test_messages_of_a_lane_come_in_order_and_once() -> None:
    expected = Expected()
    expected.take(Place(0, 0))
    expected.take(Place(0, 1))

    for again in (Place(0, 0), Place(0, 1), Place(0, 3)):
        with pytest.raises(WireFormatError, match="twice, or out of its order"):
            expected.take(again)
    expected.take(Place(0, 2))


def test_lanes_are_begun_in_any_order_and_once() -> None:
    expected = Expected()
    for lane in (5, 3, 4):
        expected.take(Place(lane, 0))

    with pytest.raises(WireFormatError):
        expected.take(Place(3, 0))


def test_a_lane_that_is_far_behind_the_newest_is_not_begun_again() -> None:
    expected = Expected()
    expected.take(Place(0, 0))
    expected.take(Place(5000, 0))

    for lane in (0, 1, 3900):
        with pytest.raises(WireFormatError):
            expected.take(Place(lane, 0))


def test_no_two_connections_have_one_lane() -> None:
    lanes = Lanes(agreed()[0])

    first, second = lanes.take(), lanes.take()

    assert [first.next(), first.next(), second.next()] == [Place(0, 0), Place(0, 1), Place(1, 0)]
