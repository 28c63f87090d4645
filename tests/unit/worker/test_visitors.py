"""Who comes to a worker is known by what its owner has decided, of itself, of those before and after it, and of whom it belongs to."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos.errors import SynergosError, WireFormatError
from synergos.identity.decisions import approve, revoke
from synergos.identity.handshake import ASKED, Handshake
from synergos.identity.identity import Identity, Renewable
from synergos.identity.peers import Peers
from synergos.identity.statements import CLOCKS, GRACE, MEMBERSHIP, Endorsement, Succession
from synergos.identity.successors import SUCCESSORS
from synergos.identity.trust import NOBODY, Trust
from synergos_worker.visitors import MOST_OF_ONE, RENEWAL, NotApproved, Revoked, Visitors


@dataclass
class OpenSessions:
    """Whose sessions are open, and whose were ended."""

    open: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)

    def peers(self) -> set[str]:
        """As of a worker."""
        return self.open

    def end_those_of(self, peers: Collection[str]) -> None:
        """As of a worker."""
        self.ended |= set(peers)
        self.open -= set(peers)


class Worker:
    """A worker, as far as it is asked who comes."""

    def __init__(self, folder: Path, trust: Trust = NOBODY) -> None:
        self.folder = folder
        self.passed = timedelta()
        self.keys = Renewable(folder / "worker.json")
        self.sessions = OpenSessions()
        self.peers = Peers(folder, trust, lambda: 0.0, self.today)
        self.visitors = Visitors(self.keys, self.peers, self.sessions, lambda: 0.0)

    def today(self) -> datetime:
        """The time as this worker has it."""
        return datetime.now(UTC) + self.passed

    def greet(self, who: Identity, endorsement: dict[str, object] | None = None) -> str | type[SynergosError]:
        """The channel that is agreed on, or how that is refused."""
        handshake = Handshake(who, self.keys.now.keys.public, self.visitors.challenges.new(), "ttp", endorsement)
        try:
            answer = self.visitors.greet(ASKED.read(handshake.question), "10.0.0.1")
        except SynergosError as error:
            return type(error)
        return handshake.channel(json.dumps(answer).encode()).id

    def knows(self, who: Identity) -> bool:
        return isinstance(self.greet(who), str)

    def decide(self, decision: object, who: Identity) -> None:
        decision(self.folder, who.fingerprint)  # type: ignore[operator]
        self.visitors.look()


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


@pytest.fixture
def one(worker: Worker) -> Identity:
    found = Identity.new()
    worker.decide(approve, found)
    return found


def alone(identity: Identity) -> Identity:
    """The same, which shows nothing of those before it."""
    return Identity(identity.keys, identity.made)


def test_who_comes_after_somebody_approved_is_known_from_then_on(worker: Worker, one: Identity, tmp_path: Path) -> None:
    two = one.renewed()
    three = two.renewed()

    before = worker.knows(alone(two))
    known = [worker.knows(each) for each in (two, three, alone(two), alone(three), one)]

    assert (before, known) == (False, [True] * 5)
    assert Worker(tmp_path).knows(alone(three))


def test_who_comes_after_two_that_were_renewed_is_known_without_having_met_the_one_between(
    worker: Worker, one: Identity
) -> None:
    assert worker.knows(one.renewed().renewed())


@pytest.mark.parametrize("revoked", [0, 1, 2])
def test_whoever_of_them_is_revoked_all_are(worker: Worker, one: Identity, revoked: int) -> None:
    line = [one, two := one.renewed(), two.renewed()]
    assert all(worker.knows(each) for each in line)

    worker.decide(revoke, line[revoked])

    assert [worker.greet(each) for each in line] == [Revoked] * 3
    assert [worker.greet(alone(each)) for each in line] == [Revoked] * 3
    assert worker.greet(line[2].renewed()) is Revoked
    assert worker.sessions.ended == {each.fingerprint for each in line}


def test_who_is_approved_by_name_since_is_so_whoever_was_revoked_before(worker: Worker, one: Identity) -> None:
    two = one.renewed()
    worker.greet(two)
    worker.decide(revoke, one)
    worker.decide(approve, two)

    assert (worker.greet(one), worker.knows(two), worker.knows(two.renewed())) == (Revoked, True, True)


def test_who_is_approved_by_hand_before_it_first_comes_is_tied_to_whom_it_came_after(
    worker: Worker, one: Identity
) -> None:
    two = one.renewed()
    worker.decide(approve, two)

    assert worker.knows(two)
    assert worker.peers.line(two.fingerprint) == {one.fingerprint, two.fingerprint}
    worker.decide(revoke, one)
    assert worker.greet(two) is Revoked


def test_who_is_approved_by_hand_since_somebody_before_was_revoked_is_not(worker: Worker, one: Identity) -> None:
    two = one.renewed()
    worker.decide(revoke, one)
    worker.decide(approve, two)

    assert worker.knows(two)


def test_nobody_has_two_successors(worker: Worker, one: Identity) -> None:
    first, second = one.renewed(), one.renewed()

    assert worker.knows(first)
    assert worker.greet(second) is NotApproved
    assert worker.knows(first)
    assert len(json.loads((worker.folder / SUCCESSORS).read_text())) == 1


def test_who_was_renewed_is_known_until_the_grace_is_over(worker: Worker, one: Identity) -> None:
    two = one.renewed()
    channel = worker.greet(one)
    worker.greet(two)
    worker.passed = GRACE + timedelta(minutes=1)
    worker.visitors.look()

    assert (worker.greet(one), worker.knows(two)) == (Revoked, True)
    assert worker.sessions.ended == {one.fingerprint}
    with pytest.raises(SynergosError, match="no such channel"):
        worker.visitors.of(str(channel))


@pytest.mark.parametrize("until", [None, GRACE + CLOCKS + timedelta(minutes=1)])
def test_a_succession_that_is_not_over_soon_is_none(worker: Worker, one: Identity, until: timedelta | None) -> None:
    after = Identity.new()
    said = Succession(one.fingerprint, after.fingerprint, None if until is None else datetime.now(UTC) + until)
    shown = said.signed_by(one.keys)

    with pytest.raises(WireFormatError, match="over within 30 days"):
        Succession.read(shown)
    assert worker.greet(Identity(after.keys, after.made, shown)) is NotApproved


def test_who_comes_after_somebody_named_at_the_start_is_known_while_that_one_is_named(tmp_path: Path) -> None:
    one = Identity.new()
    (listed := tmp_path / "trusted").write_text(f"{one.fingerprint}\n")
    worker = Worker(tmp_path, Trust.of([str(listed)]))
    two = one.renewed()
    assert worker.knows(two)

    listed.write_text("# nobody\n")
    worker.visitors.look()

    assert [worker.greet(each) for each in (one, two)] == [NotApproved, NotApproved]


def endorsed(director: Identity, ttp: Identity, lasting: timedelta | None = MEMBERSHIP) -> dict[str, object]:
    until = None if lasting is None else datetime.now(UTC) + lasting
    said = Endorsement(director.fingerprint, ttp.fingerprint, until)
    return said.signed_by(director.keys, director.shown_succession)


def test_a_ttp_of_a_director_that_was_renewed_is_known(worker: Worker, one: Identity) -> None:
    ttp, renewed = Identity.new(), one.renewed().renewed()

    assert isinstance(worker.greet(ttp, endorsed(renewed, ttp)), str)
    worker.decide(revoke, one)
    assert worker.greet(ttp, endorsed(renewed, ttp)) is Revoked


@pytest.mark.parametrize("lasting", [None, MEMBERSHIP + CLOCKS + timedelta(minutes=1)])
def test_an_endorsement_holds_for_some_days(worker: Worker, one: Identity, lasting: timedelta | None) -> None:
    ttp = Identity.new()

    assert worker.greet(ttp, endorsed(one, ttp, lasting)) is WireFormatError


def test_an_endorsement_that_is_over_makes_nobody_known_and_hides_no_approval(worker: Worker, one: Identity) -> None:
    ttp = Identity.new()
    over = endorsed(one, ttp, -timedelta(hours=1))

    with capture_logs() as logged:
        assert worker.greet(ttp, over) is NotApproved
        worker.decide(approve, ttp)
        assert isinstance(worker.greet(ttp, over), str)
    told = [reason for line in logged for reason in line.get("not_taken", line.get("reasons", []))]
    assert [f"the endorsement of {ttp.fingerprint} was over on" in reason for reason in told] == [True, True]


def test_a_worker_whose_clock_is_behind_knows_who_comes_after_somebody_approved(worker: Worker, one: Identity) -> None:
    worker.passed = -timedelta(hours=23)

    assert worker.knows(one.renewed())


@pytest.mark.parametrize(
    ("passed", "reason"), [(-timedelta(days=2), "over within 30 days"), (GRACE + timedelta(days=1), "was over on")]
)
def test_the_log_says_why_a_succession_was_not_taken(
    worker: Worker, one: Identity, passed: timedelta, reason: str
) -> None:
    worker.passed = passed

    with capture_logs() as logged:
        assert worker.greet(one.renewed()) is NotApproved
    [[told]] = [line["not_taken"] for line in logged if "not_taken" in line]
    assert reason in told


def test_the_log_says_that_nobody_before_a_stranger_is_approved_of(worker: Worker) -> None:
    with capture_logs() as logged:
        assert worker.greet(Identity.new().renewed()) is NotApproved
    [[told]] = [line["not_taken"] for line in logged if "not_taken" in line]
    assert "nobody of those" in told


def test_sessions_end_when_an_endorsement_is_over_and_another_one_is_asked_for_before(
    worker: Worker, one: Identity
) -> None:
    ttp = Identity.new()
    channel = worker.greet(ttp, endorsed(one, ttp))
    worker.sessions.open = {ttp.fingerprint}
    worker.passed = MEMBERSHIP - RENEWAL + timedelta(minutes=1)
    worker.visitors.look()

    with pytest.raises(SynergosError, match="no such channel"):
        worker.visitors.of(str(channel))
    assert worker.sessions.ended == set()
    again = worker.greet(ttp, endorsed(one, ttp))
    worker.visitors.look()
    assert worker.visitors.of(str(again)).fingerprint == ttp.fingerprint

    worker.passed = MEMBERSHIP + timedelta(minutes=1)
    worker.visitors.look()
    assert worker.sessions.ended == {ttp.fingerprint}


def test_a_revocation_ends_sessions_whose_channels_are_gone(worker: Worker, one: Identity) -> None:
    other = Identity.new()
    worker.decide(approve, other)
    first, theirs = worker.greet(one), worker.greet(other)
    worker.sessions.open = {one.fingerprint}
    for _ in range(MOST_OF_ONE):
        worker.greet(one)

    with pytest.raises(SynergosError, match="no such channel"):
        worker.visitors.of(str(first))
    assert worker.visitors.of(str(theirs)).fingerprint == other.fingerprint
    worker.visitors = Visitors(worker.keys, worker.peers, worker.sessions, lambda: 0.0)
    worker.decide(revoke, one)
    assert worker.sessions.ended == {one.fingerprint}


def test_who_cannot_be_written_down_is_answered(worker: Worker, one: Identity) -> None:
    (worker.folder / SUCCESSORS).mkdir()
    (worker.folder / "first_contacts.json").mkdir()

    assert worker.greet(one.renewed()) is NotApproved
