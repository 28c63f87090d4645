"""A program's identity is made once, kept for nobody else's eyes, and never replaced by chance."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from synergos.errors import Conflict, WireFormatError
from synergos.identity.identity import Identity, Renewable, identity_in, renew_identity
from synergos.identity.statements import MOST_SHOWN, Endorsement, Succession, successions
from synergos.identity.syft_keys import Keys, PublicKeys


def test_it_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "in" / "identity.json"

    first = identity_in(path)

    assert identity_in(path).fingerprint == first.fingerprint
    assert len(first.fingerprint) == 64


def test_nobody_else_may_read_its_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "identity.json"

    identity_in(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    identity_in(path)
    path.chmod(0o644)

    with capture_logs() as logged:
        identity_in(path)
        identity_in(path)

    assert path.stat().st_mode & 0o777 == 0o600
    [warning] = [entry for entry in logged if entry["log_level"] == "warning"]
    assert "others could read the identity" in warning["event"]
    assert (warning["file"], warning["mode"]) == (str(path), "0644")


def test_what_killed_programs_have_left_of_it_goes_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "worker.json"
    old, young, own = (
        tmp_path / f".{name}-{number * 16}"
        for number, name in (("0", "worker.json"), ("1", "ttp_0.json"), ("2", "other.txt"))
    )
    for left in (old, young, own):
        left.write_text("half")
        os.utime(left, (0, 0))
    os.utime(young)

    identity_in(path)

    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([young.name, own.name, path.name])


def test_it_is_made_where_the_file_system_has_no_second_names_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "identity.json"
    # No such file system can be mounted by everybody who runs the tests.
    monkeypatch.setattr(os, "link", refused)

    made = identity_in(path)

    assert identity_in(path).fingerprint == made.fingerprint
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "{}",
        lambda text: text.replace('"email": "', '"email": "0', 1),
        lambda text: json.dumps(json.loads(text) | {"keys_jwk": {}}),
        lambda text: json.dumps(json.loads(text) | {"keys_jwk": Keys.new().to_jwks()}),
    ],
    ids=["empty", "half", "list", "nothing", "fingerprint", "no keys", "other keys"],
)
def test_a_damaged_one_is_refused_and_left_as_it_is(tmp_path: Path, damage: Callable[[str], str]) -> None:
    path = tmp_path / "identity.json"
    identity_in(path)
    path.write_text(damaged := damage(path.read_text()))

    with pytest.raises(Conflict, match=r"identity\.json is damaged"):
        identity_in(path)

    assert path.read_text() == damaged


def test_a_running_program_takes_a_renewed_one_up(tmp_path: Path) -> None:
    running = Renewable(tmp_path / "identity.json")
    before, after = renew_identity(running.path)

    assert running.now.fingerprint == after.fingerprint != before.fingerprint
    assert running.path.stat().st_mode & 0o777 == 0o600


def test_a_running_program_stays_who_it_is_when_its_file_is_damaged(tmp_path: Path) -> None:
    running = Renewable(tmp_path / "identity.json")
    fingerprint = running.now.fingerprint
    running.path.write_text("{")

    assert running.now.fingerprint == fingerprint


def test_the_one_before_vouches_for_a_renewed_one_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    identity_in(path)
    before, after = renew_identity(path, timedelta(days=3))

    found = Succession.read(after.succession)

    assert (found.issuer, found.subject) == (before.fingerprint, after.fingerprint)
    assert identity_in(path).predecessor == found


def test_afterwards_it_does_not_any_more() -> None:
    after = Identity.new().renewed(timedelta(days=3))

    with pytest.raises(WireFormatError, match="was over on"):
        Succession.read(after.succession, datetime.now(UTC) + timedelta(days=4))
    assert Identity(after.keys, after.made, Identity.new().renewed(timedelta(days=-1)).succession).predecessor is None


def test_one_that_holds_too_long_is_told_by_its_kind() -> None:
    director, ttp = Identity.new(), Identity.new()
    shown = Endorsement(director.fingerprint, ttp.fingerprint).signed_by(director.keys)

    with pytest.raises(WireFormatError, match="expected an endorsement that is over within 7 days"):
        Endorsement.read(shown)


def test_those_before_are_shown_as_far_as_it_matters() -> None:
    line = [Identity.new()]
    for _ in range(MOST_SHOWN + 2):
        line.append(line[-1].renewed())

    found = successions(line[-1].succession, line[-1].fingerprint)

    assert [said.issuer for said in found] == [each.fingerprint for each in line[-2 : -2 - MOST_SHOWN : -1]]
    assert len(json.dumps(line[-1].succession)) == len(json.dumps(line[-2].succession))
    assert successions(line[-1].succession, line[0].fingerprint) == []


@pytest.mark.parametrize("field", ["subject", "until", "kind", "issuer"])
def test_nobody_else_can_say_so(field: str) -> None:
    after = Identity.new().renewed()
    said: Any = after.succession
    statement = dict(said["statement"])
    statement[field] = Identity.new().fingerprint if field in ("subject", "issuer") else None

    with pytest.raises(WireFormatError):
        Succession.read({**(after.succession or {}), "statement": statement})


def test_a_statement_of_one_kind_is_none_of_another() -> None:
    director, member = Identity.new(), Identity.new()
    said = Endorsement(director.fingerprint, member.fingerprint, datetime.now(UTC) + timedelta(days=1)).signed_by(
        director.keys
    )

    assert Endorsement.read(said).subject == member.fingerprint
    with pytest.raises(WireFormatError):
        Succession.read(said)


@pytest.mark.parametrize("shown", [None, 5, {}, {"id": "x"}, {"verificationMethod": []}, {"a": "b" * 20_000}])
def test_what_is_no_document_is_no_identity(shown: object) -> None:
    with pytest.raises(WireFormatError):
        PublicKeys.read(shown)


def test_a_document_is_of_whom_it_says_alone() -> None:
    one, other = Keys.new().public.document, Keys.new().public.document

    with pytest.raises(WireFormatError):
        PublicKeys.read({**one, "keyAgreement": other["keyAgreement"]})
