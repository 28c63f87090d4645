"""A cluster's TTP takes jobs from its director alone, whom it knows by what that has signed of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from synergos.errors import InvalidRequest
from synergos.identity.identity import Renewable, renew_identity
from synergos.identity.signed_messages import SIGNED_HEADER, MessageSigner
from synergos.records import RecordStore
from synergos.records.members import Members
from synergos_director.endorsing import Endorsing
from synergos_ttp.running.membership import Membership
from synergos_ttp.running.signatures import Signatures

CLUSTER, BODY = "cluster", b'{"job_id": "1"}'


@pytest.fixture
def members(database: str) -> Iterator[Members]:
    store = RecordStore(database)
    yield Members(store)
    store.close()


@pytest.fixture
def director(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "director.json")


@pytest.fixture
def sign(director: Renewable) -> MessageSigner:
    return MessageSigner(lambda: director.now, CLUSTER)


@pytest.fixture
def endorsing(director: Renewable, members: Members) -> Endorsing:
    return Endorsing(director, members)


@pytest.fixture
def signatures(tmp_path: Path, members: Members, endorsing: Endorsing) -> Signatures:
    membership = Membership(Renewable(tmp_path / "ttp.json"), members, "ttp_0", lambda _seconds: None)
    membership.join()
    endorsing.look()
    return Signatures(membership, CLUSTER)


def test_a_job_of_the_directors_is_believed_and_each_has_a_nonce_of_its_own(
    signatures: Signatures, sign: MessageSigner
) -> None:
    found = {signatures.check(BODY, sign("train", BODY), "train") for _ in range(3)}

    assert len(found) == 3
    assert all(len(nonce) == 32 for nonce in found)


def edited(headers: dict[str, str], **changes: str) -> dict[str, str]:
    """A signature whose statement was changed since."""
    shown = json.loads(headers[SIGNED_HEADER])
    shown["statement"] |= changes
    return {SIGNED_HEADER: json.dumps(shown)}


FORGERIES: dict[str, tuple[Callable[[MessageSigner], dict[str, str]], str]] = {
    "unsigned": (lambda _: {}, "nobody has signed"),
    "of another queue": (lambda sign: sign("evaluate", BODY), "signed for another queue"),
    "altered": (lambda sign: sign("train", BODY + b" "), "not the one that was signed"),
    "with another digest": (lambda sign: edited(sign("train", b"{}"), digest="0" * 64), "not signed by"),
    "with another nonce": (lambda sign: edited(sign("train", BODY), nonce="0" * 32), "not signed by"),
    "no JSON": (lambda _: {SIGNED_HEADER: "{"}, "in JSON"),
    "too deep": (lambda _: {SIGNED_HEADER: "[" * 60_000}, "in JSON"),
    "too long": (lambda _: {SIGNED_HEADER: "[" * 70_000}, "expected a signed statement"),
    "no statement": (lambda _: {SIGNED_HEADER: "[]"}, "expected a signed statement"),
    "another kind of statement": (
        lambda sign: edited(sign("train", BODY), kind="consent"),
        "not signed by|expected a statement of the kind queued",
    ),
}


def test_what_the_director_has_not_signed_so_is_refused(signatures: Signatures, sign: MessageSigner) -> None:
    for headers, reason in FORGERIES.values():
        with pytest.raises(InvalidRequest, match=reason):
            signatures.check(BODY, headers(sign), "train")


def test_another_clusters_director_and_a_ttp_of_ones_own_are_strangers(
    tmp_path: Path, signatures: Signatures, director: Renewable
) -> None:
    stranger = Renewable(tmp_path / "stranger.json")

    for who in (stranger, Renewable(tmp_path / "ttp.json")):
        headers = MessageSigner(lambda who=who: who.now, CLUSTER)("train", BODY)  # type: ignore[misc]
        with pytest.raises(InvalidRequest, match=f"{who.now.fingerprint}, who is not the director"):
            signatures.check(BODY, headers, "train")
    with pytest.raises(InvalidRequest, match="another queue"):
        signatures.check(BODY, MessageSigner(lambda: director.now, "elsewhere")("train", BODY), "train")


def test_a_director_that_was_renewed_is_known_before_and_after_it_signs_anew(
    signatures: Signatures, sign: MessageSigner, director: Renewable, endorsing: Endorsing
) -> None:
    before = sign("train", BODY)
    signatures.check(BODY, before, "train")
    renew_identity(director.path)
    after = sign("train", BODY)

    for headers in (before, after):
        signatures.check(BODY, headers, "train")
    endorsing.look()
    for headers in (before, after):
        signatures.check(BODY, headers, "train")


def test_jobs_of_an_identity_whose_grace_is_over_are_refused(
    signatures: Signatures, sign: MessageSigner, director: Renewable, endorsing: Endorsing
) -> None:
    before = sign("train", BODY)
    renew_identity(director.path, timedelta(seconds=-1))
    endorsing.look()

    signatures.check(BODY, sign("train", BODY), "train")
    with pytest.raises(InvalidRequest, match="who is not the director"):
        signatures.check(BODY, before, "train")


def test_without_a_director_jobs_wait_and_are_not_parked(tmp_path: Path, members: Members, sign: MessageSigner) -> None:
    alone = Membership(Renewable(tmp_path / "alone.json"), members, "ttp_1", lambda _seconds: None)
    alone.join()

    with pytest.raises(ConnectionError, match="no director has signed"):
        Signatures(alone, CLUSTER).check(BODY, sign("train", BODY), "train")


def test_jobs_are_taken_up_under_the_fingerprint_that_signs(tmp_path: Path, signatures: Signatures) -> None:
    renew_identity(tmp_path / "ttp.json")

    headers = signatures.sign("completed", BODY)

    assert json.loads(headers[SIGNED_HEADER])["statement"]["issuer"] == signatures.own
