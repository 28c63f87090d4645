"""``synergos identity`` and ``synergos peer``: offline, on the folders of programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synergos.identity.contacts import FIRST_CONTACTS, FirstContacts
from synergos.identity.identity import FOLDER, Renewable, identity_in
from synergos.identity.peers import Peers
from synergos.identity.projects_taken_part import CONSENTS
from synergos.identity.small_file import write
from synergos.identity.trust import NOBODY

WHO = "ab" * 32


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    identity_in(tmp_path / FOLDER / "worker.json")
    FirstContacts(tmp_path / FOLDER / FIRST_CONTACTS, lambda: 0.0).note(WHO, "ttp", "10.0.0.10")
    return tmp_path


def test_the_fingerprint_is_shown(outputs: Path, asked: Any) -> None:
    [shown] = asked("identity", "show", str(outputs))

    assert shown["fingerprint"] == identity_in(outputs / FOLDER / "worker.json").fingerprint
    assert shown["before"] is None


def test_a_renewed_one_says_which_came_before_and_for_how_long(outputs: Path, asked: Any) -> None:
    before = identity_in(outputs / FOLDER / "worker.json").fingerprint
    running = Renewable(outputs / FOLDER / "worker.json")

    [renewed] = asked("identity", "renew", str(outputs), "--grace", "2w")

    assert renewed["before"] == before
    assert renewed["fingerprint"] == running.now.fingerprint
    assert "--grace" in asked("identity", "renew", str(outputs), "--grace", "soon")


def test_a_folder_without_a_program_has_none(tmp_path: Path, asked: Any) -> None:
    assert "no program has made an identity" in asked("identity", "show", str(tmp_path))
    assert "no worker has been started" in asked("peer", "list", "--outputs", str(tmp_path))


def test_who_waits_is_listed_approved_and_revoked(outputs: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))
    running = Peers(outputs / FOLDER, NOBODY, lambda: 0.0)
    [waits] = asked("peer", "list", *where)
    approved = asked("peer", "approve", WHO[:20], *where)
    running.refresh()
    standing = running.standing(WHO)
    revoked = asked("peer", "revoke", WHO[:8], *where)
    [listed] = asked("peer", "list", *where)

    assert (waits["fingerprint"], waits["standing"], waits["address"]) == (WHO, "waiting", "10.0.0.10")
    assert (approved["standing"], approved["name"], standing) == ("approved", "ttp", "approved")
    assert (revoked["standing"], listed["standing"]) == ("revoked", "revoked")
    assert "FINGERPRINT" in asked("peer", "approve", "nobody", *where)


def test_projects_are_listed_and_released(outputs: Path, asked: Any) -> None:
    given = {"nonce": "a" * 64, "at": "2026-11-26T07:00:00+00:00", "replaced": [], "director": ""}
    write(outputs / FOLDER / CONSENTS, {f"{WHO}\nheart\nrisk": given})
    where = ("--outputs", str(outputs))

    [listed] = asked("peer", "projects", *where)
    assert (listed["collaboration"], listed["project"], listed["who"]) == ("heart", "risk", WHO)
    assert asked("peer", "release", "heart/risk", *where) == [listed]
    assert asked("peer", "projects", *where) == []
    assert "takes part in no project heart/risk" in asked("peer", "release", "heart/risk", *where)
    assert "COLLABORATION/PROJECT" in asked("peer", "release", "heart", *where)
