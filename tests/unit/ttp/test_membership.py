"""A cluster's TTP shows that it belongs to the director, which signs for those that share its record store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from fakes.clock import Clock
from synergos.identity.identity import Renewable, renew_identity
from synergos.identity.statements import MEMBERSHIP, Endorsement, successions
from synergos.records import RecordStore
from synergos.records.members import Members
from synergos_director.endorsing import Endorsing
from synergos_ttp.running.membership import PATIENCE, SHOWN_SECONDS, Membership


@pytest.fixture
def members(store: RecordStore) -> Members:
    return Members(store)


@pytest.fixture
def director(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "director.json")


@pytest.fixture
def ttp(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "ttp.json")


def looked(endorsing: Endorsing) -> None:
    endorsing.look()


def test_it_waits_a_moment_for_the_director_to_sign(members: Members, director: Renewable, ttp: Renewable) -> None:
    endorsing = Endorsing(director, members)
    shown = Membership(ttp, members, "ttp_0", lambda _seconds: looked(endorsing)).endorsement()

    said = Endorsement.read(shown)
    assert (said.issuer, said.subject) == (director.now.fingerprint, ttp.now.fingerprint)


def test_a_director_that_is_away_is_not_waited_for_long(members: Members, ttp: Renewable) -> None:
    slept: list[float] = []

    assert Membership(ttp, members, "ttp_0", slept.append).endorsement() is None
    assert sum(slept) == pytest.approx(PATIENCE)


def test_either_may_renew_its_identity(members: Members, director: Renewable, ttp: Renewable) -> None:
    endorsing = Endorsing(director, members)
    membership = Membership(ttp, members, "ttp_0", lambda _seconds: looked(endorsing))
    membership.endorsement()
    renew_identity(ttp.path)
    renewed = Endorsement.read(membership.endorsement())
    before, _ = renew_identity(director.path)
    endorsing.look()

    assert renewed.subject == ttp.now.fingerprint
    assert Endorsement.read(membership.endorsement()).issuer == director.now.fingerprint
    # Whoever approved of the director before it was renewed finds that one in it.
    [came_after] = successions((membership.endorsement() or {}).get("before"), director.now.fingerprint)
    assert came_after.issuer == before.fingerprint


def test_what_was_signed_is_signed_again_before_it_is_over(
    members: Members, director: Renewable, ttp: Renewable
) -> None:
    passed = timedelta()
    endorsing = Endorsing(director, members, lambda: datetime.now(UTC) + passed)
    membership = Membership(ttp, members, "ttp_0", lambda _seconds: looked(endorsing))
    first = membership.endorsement()
    endorsing.look()
    soon = membership.endorsement()
    passed = MEMBERSHIP / 2 + timedelta(minutes=1)
    endorsing.look()
    later = membership.endorsement()

    assert first == soon != later
    assert Endorsement.read(later, datetime.now(UTC) + MEMBERSHIP).subject == ttp.now.fingerprint


def test_strangers_are_shown_what_was_signed_and_nothing_is_waited_for(
    members: Members, director: Renewable, ttp: Renewable
) -> None:
    clock = Clock()
    membership = Membership(ttp, members, "ttp_0", lambda _seconds: pytest.fail("it waited"), clock)

    assert membership.shown() is None
    Endorsing(director, members).look()
    assert membership.shown() is None
    clock.now += SHOWN_SECONDS
    shown = membership.shown()
    assert Endorsement.read(shown).subject == ttp.now.fingerprint

    # Of the identity before nothing is shown any more.
    renew_identity(ttp.path)
    assert membership.shown() is None


def test_a_record_store_that_is_away_is_asked_once_in_a_while_and_what_was_signed_is_shown(
    director: Renewable, ttp: Renewable, database: str
) -> None:
    clock, store = Clock(), RecordStore(database)
    membership = Membership(ttp, Members(store), "ttp_0", clock=clock)
    membership.join()
    Endorsing(director, Members(store)).look()
    before = membership.shown()
    with store.database.writing() as connection:
        connection.execute(text("DROP TABLE member"))

    clock.now += SHOWN_SECONDS
    shown = [membership.shown(), membership.shown()]
    store.close()

    assert shown == [before, before] != [None, None]
