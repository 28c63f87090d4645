"""Whom a worker's owner approves of."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.clock import Clock
from support.full_disk import files_up_to
from synergos.errors import Conflict, InvalidRequest
from synergos.identity import decisions, fingerprints, small_file
from synergos.identity.contacts import FIRST_CONTACTS, FirstContacts, contacts_in
from synergos.identity.decisions import PEERS, Standing, approve, revoke
from synergos.identity.peers import Peers
from synergos.identity.short_list import MOST
from synergos.identity.statements import Succession
from synergos.identity.successors import MOST_RENEWALS
from synergos.identity.trust import ANY, Trust

ONE, TWO = "1" * 64, "2" * 64


def of(folder: Path, trust: Trust = Trust()) -> Peers:  # noqa: B008 - frozen
    return Peers(folder, trust, lambda: 0.0)


def test_nobody_is_approved_of_unless_it_is_said(tmp_path: Path) -> None:
    assert of(tmp_path).standing(ONE) is Standing.WAITING


def test_any_is_everybody_but_those_who_were_revoked(tmp_path: Path) -> None:
    revoke(tmp_path, TWO)

    assert [of(tmp_path, ANY).standing(who) for who in (ONE, TWO)] == [Standing.APPROVED, Standing.REVOKED]


def test_a_fingerprint_may_be_named_or_stand_in_a_file(tmp_path: Path) -> None:
    (listed := tmp_path / "trusted").write_text(f"# the consortium\n\n{TWO.upper()}  # its TTP\n")
    trust = Trust.of([ONE, str(listed)])

    assert [of(tmp_path, trust).standing(who) for who in (ONE, TWO, "3" * 64)] == ["approved", "approved", "waiting"]


@pytest.mark.parametrize("word", ["", "some", "1" * 63, "g" * 64, "/nowhere/at/all"])
def test_what_is_no_trust_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequest, match="expected a fingerprint"):
        Trust.of([word])


def test_a_file_says_which_line_is_wrong(tmp_path: Path) -> None:
    (listed := tmp_path / "trusted").write_text(f"{ONE}\nhospital\n")

    with pytest.raises(InvalidRequest, match="line 2"):
        Trust.of([str(listed)])


def test_a_decision_holds_for_a_worker_that_runs(tmp_path: Path) -> None:
    peers = of(tmp_path)

    approve(tmp_path, ONE)
    peers.refresh()
    approved = peers.standing(ONE)
    revoke(tmp_path, ONE)
    peers.refresh()

    assert (approved, peers.standing(ONE)) == (Standing.APPROVED, Standing.REVOKED)


def test_whoever_belongs_to_somebody_approved_is_approved(tmp_path: Path) -> None:
    approve(tmp_path, ONE)
    peers = of(tmp_path)

    assert peers.standing(TWO, endorsed_by=ONE) is Standing.APPROVED
    revoke(tmp_path, ONE)
    peers.refresh()
    assert peers.standing(TWO, endorsed_by=ONE) is Standing.REVOKED


def test_a_member_can_be_revoked_alone(tmp_path: Path) -> None:
    approve(tmp_path, ONE)
    revoke(tmp_path, TWO)

    assert of(tmp_path).standing(TWO, endorsed_by=ONE) is Standing.REVOKED


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / PEERS).write_text("{")

    with pytest.raises(Conflict, match="damaged"):
        of(tmp_path)


def test_what_could_not_be_read_is_taken_up_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(tmp_path, ONE)
    (listed := tmp_path / "trusted").write_text(f"{TWO}\n")
    peers = of(tmp_path, Trust.of([str(listed)]))
    revoke(tmp_path, ONE)
    listed.write_text("# nobody\n")

    with monkeypatch.context() as patched:
        patched.setattr(fingerprints, "stored_in", lambda _path: fail_as_damaged())
        with pytest.raises(Conflict, match="for once"):
            peers.refresh()
    # The other file was looked at all the same.
    between = peers.standing(TWO)
    peers.refresh()

    assert (between, peers.standing(ONE)) == (Standing.WAITING, Standing.REVOKED)


def fail_as_damaged() -> dict[str, object]:
    raise Conflict("cannot be read for once")


def test_of_commands_that_decide_at_once_none_is_lost(tmp_path: Path) -> None:
    everybody = [f"{number:064x}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda who: revoke(tmp_path, who), everybody))

    assert sorted(decisions.Decisions.read(tmp_path / PEERS).by_fingerprint) == everybody


def test_nothing_is_written_that_would_not_be_read(tmp_path: Path) -> None:
    small_file.write(tmp_path / "a.json", {"a": 1})
    with pytest.raises(Conflict, match="stays as it is"):
        small_file.write(tmp_path / "a.json", {"a": "x" * 2**24})

    assert small_file.stored_in(tmp_path / "a.json") == {"a": 1}


def test_a_line_of_renewals_is_not_taken_up_without_end(tmp_path: Path) -> None:
    approve(tmp_path, f"{0:064x}")
    peers = of(tmp_path)
    until = datetime.now(UTC) + timedelta(days=1)
    line = [Succession(f"{number:064x}", f"{number + 1:064x}", until) for number in range(MOST_RENEWALS)]

    peers.remember(line[:-1])
    with pytest.raises(Conflict, match="too many renewals"):
        peers.remember(line[-1:])

    revoke(tmp_path, line[-2].subject)
    peers.refresh()
    assert peers.standing(f"{0:064x}") is Standing.REVOKED
    assert Peers(tmp_path, Trust(), lambda: 0.0).standing(line[-2].issuer) is Standing.REVOKED


def test_first_contacts_are_a_short_list_for_people(tmp_path: Path) -> None:
    contacts = FirstContacts(tmp_path / FIRST_CONTACTS, clock := Clock(0.0))
    for number in range(MOST + 5):
        contacts.note(f"{number:064x}", "ttp", "10.0.0.1")
    clock.now = 1.0
    contacts.save()

    listed = contacts_in(tmp_path / FIRST_CONTACTS)
    assert [int(contact.fingerprint, 16) for contact in listed] == list(range(5, MOST + 5))
    assert (tmp_path / FIRST_CONTACTS).stat().st_mode & 0o077 == 0


def test_who_comes_again_is_not_told_of_again_and_not_forgotten(tmp_path: Path) -> None:
    contacts = FirstContacts(tmp_path / FIRST_CONTACTS, clock := Clock(0.0))
    assert contacts.note(ONE, "ttp", "10.0.0.1") == 0
    for number in range(MOST - 1):
        contacts.note(f"{number:064x}", "x", "10.0.0.2")
    clock.now = 2.0
    assert contacts.note(ONE, "ttp", "10.0.0.1") is None
    contacts.note("f" * 64, "x", "10.0.0.2")

    assert ONE in {contact.fingerprint for contact in contacts_in(tmp_path / FIRST_CONTACTS)}


def test_strangers_cost_one_word_and_one_writing_a_second(tmp_path: Path) -> None:
    contacts = FirstContacts(tmp_path / FIRST_CONTACTS, clock := Clock(0.0))
    told = [contacts.note(f"{number:064x}", "x", "10.0.0.2") for number in range(500)]
    contacts.save()
    written = contacts_in(tmp_path / FIRST_CONTACTS)
    clock.now = 1.0
    told += [contacts.note(f"{number:064x}", "x", "10.0.0.2") for number in range(499, 510)]

    assert [others for others in told if others is not None] == [0, 498]
    assert [len(written), len(contacts_in(tmp_path / FIRST_CONTACTS))] == [1, MOST]


def test_the_beginning_of_a_first_contacts_fingerprint_will_do_if_nobody_could_have_made_another(
    tmp_path: Path,
) -> None:
    of(tmp_path).contacts.note(ONE, "ttp", "10.0.0.1")

    with pytest.raises(InvalidRequest, match="20 digits"):
        approve(tmp_path, ONE[:19])
    assert approve(tmp_path, ONE[:20]).name == "ttp"
    assert of(tmp_path).standing(ONE) is Standing.APPROVED
    with pytest.raises(InvalidRequest, match="FINGERPRINT"):
        approve(tmp_path, TWO[:20])
    # Whom the owner does not know any more is shut out at once.
    assert revoke(tmp_path, ONE[:8]).standing is Standing.REVOKED


@pytest.mark.parametrize("is_lasting", [True, False])
def test_what_lasts_is_on_the_disk_before_it_is_in_its_place_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lasting: bool
) -> None:
    path, synced = tmp_path / "a.json", list[tuple[bool, bool]]()
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((stat.S_ISDIR(os.fstat(file).st_mode), path.exists())))

    small_file.write(path, {"a": 1}, is_lasting=is_lasting)

    assert synced == ([(False, False), (True, True)] if is_lasting else [])


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    small_file.write(tmp_path / "a.json", {"a": 1})
    with files_up_to(100), pytest.raises(OSError, match="too large"):
        small_file.write(tmp_path / "a.json", {"a": "x" * 1000})

    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert small_file.stored_in(tmp_path / "a.json") == {"a": 1}
