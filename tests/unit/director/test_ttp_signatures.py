"""A director believes of a job what the TTP has signed that has it, and that belongs to the cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos.errors import InvalidRequest
from synergos.identity.identity import Renewable, renew_identity
from synergos.identity.signed_messages import MessageSigner
from synergos.identity.statements import Endorsement
from synergos.records import RecordStore
from synergos.records.members import Members
from synergos_director.endorsing import Endorsing
from synergos_director.ttp_signatures import TtpSignatures

CLUSTER, BODY = "cluster", b'{"job_id": "1"}'


@pytest.fixture
def members(store: RecordStore) -> Members:
    return Members(store)


@pytest.fixture
def director(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "director.json")


@pytest.fixture
def ttp(tmp_path: Path, members: Members) -> Renewable:
    """One that the director has not heard of yet."""
    made = Renewable(tmp_path / "ttp.json")
    members.join(made.now.fingerprint, "ttp_0")
    return made


@pytest.fixture
def signatures(director: Renewable, members: Members) -> TtpSignatures:
    return TtpSignatures(Endorsing(director, members), CLUSTER)


def signed(by: Renewable, body: bytes = BODY, queue: str = "completed", cluster: str = CLUSTER) -> dict[str, str]:
    return MessageSigner(lambda: by.now, cluster)(queue, body)


def test_the_outcome_of_who_has_the_job_is_believed_and_its_ttp_signed_for(
    signatures: TtpSignatures, ttp: Renewable, members: Members, director: Renewable
) -> None:
    signatures.check(BODY, signed(ttp), ttp.now.fingerprint)

    assert Endorsement.read(members.endorsement(ttp.now.fingerprint)).issuer == director.now.fingerprint


def test_the_outcome_of_another_ttp_of_the_cluster_is_not(
    signatures: TtpSignatures, ttp: Renewable, members: Members, tmp_path: Path
) -> None:
    other = Renewable(tmp_path / "other.json")
    members.join(other.now.fingerprint, "ttp_1")

    with pytest.raises(InvalidRequest, match=f"signed by {other.now.fingerprint}, who does not have the job"):
        signatures.check(BODY, signed(other), ttp.now.fingerprint)


def test_the_director_itself_and_a_stranger_end_no_jobs(
    signatures: TtpSignatures, director: Renewable, tmp_path: Path
) -> None:
    for who in (director, Renewable(tmp_path / "stranger.json")):
        own = who.now.fingerprint
        # Even if it had the job.
        with pytest.raises(InvalidRequest, match=f"signed by {own}, who is no TTP of this cluster"):
            signatures.check(BODY, signed(who), own)


def test_what_was_altered_redirected_or_signed_by_nobody_is_refused(signatures: TtpSignatures, ttp: Renewable) -> None:
    forged = {
        "nobody has signed": {},
        "not the one that was signed": signed(ttp, b"{}"),
        "another queue": signed(ttp, queue="train"),
        "for another": signed(ttp, cluster="elsewhere"),
    }
    for reason, headers in forged.items():
        with pytest.raises(InvalidRequest, match=f"{reason}.*it is forged, or was altered"):
            signatures.check(BODY, headers, ttp.now.fingerprint)


def test_a_ttp_that_was_renewed_with_a_job_in_hand_ends_it(
    signatures: TtpSignatures, ttp: Renewable, members: Members
) -> None:
    holder = ttp.now.fingerprint
    renew_identity(ttp.path)
    members.join(ttp.now.fingerprint, "ttp_0")

    signatures.check(BODY, signed(ttp), holder)
