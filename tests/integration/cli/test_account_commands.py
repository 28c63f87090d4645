"""``synergos account``: on the record store of an orchestrator, running or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synergos.accounts.sign_in import SignIn
from synergos.cli import main
from synergos.domain.records import Kind
from synergos.errors import NotSignedIn
from synergos.records import RecordStore
from synergos.records.accounts import Accounts

PASSWORD = "correct horse battery staple"


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """What a command answers, as JSON; or why not."""

    def ask(*words: str) -> Any:
        capsys.readouterr()
        try:
            main(["account", *words, "--data", str(tmp_path), "--format", "json"])
        except SystemExit as ended:
            if ended.code:
                return capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return str(file)


def test_the_first_account_is_made_before_the_first_start(asked: Any, password_file: str, tmp_path: Path) -> None:
    [made] = asked("add", "lead", "--role", "orchestrator", "--password-file", password_file)

    assert (made["name"], made["role"], made["has_password"]) == ("lead", "orchestrator", True)
    assert (tmp_path / "records.sqlite").stat().st_mode & 0o077 == 0
    assert PASSWORD.encode() not in (tmp_path / "records.sqlite").read_bytes()


def test_an_account_is_changed_while_the_program_runs(asked: Any, password_file: str, tmp_path: Path) -> None:
    asked("add", "hospital_1", "--role", "participant", "--no-password")
    given = asked("token", "add", "hospital_1", "--expires", "30m", "--label", "a notebook")
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    sign_in, header = SignIn(Accounts(store)), f"Bearer {given['token']}"

    assert sign_in.who(header, "10.0.0.1").participant == "hospital_1"
    assert [each["id"] for each in asked("token", "list", "hospital_1")] == [given["id"]]
    asked("password", "hospital_1", "--password-file", password_file)
    with pytest.raises(NotSignedIn):
        sign_in.who(header, "10.0.0.1")
    given = asked("token", "add", "hospital_1")
    asked("token", "revoke", given["id"])
    assert asked("token", "list") == []
    [removed] = asked("remove", "hospital_1")
    assert (removed["name"], asked("list")) == ("hospital_1", [])
    store.close()


def test_a_collaboration_is_given_and_taken(asked: Any, tmp_path: Path) -> None:
    asked("add", "lead", "--role", "orchestrator", "--no-password")
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    store.put(Kind.COLLABORATION, {"collab_id": "heart"}, {})
    store.close()

    assert asked("grant", "lead", "heart")[0]["collaborations"] == ["heart"]
    assert asked("list")[0]["collaborations"] == ["heart"]
    assert asked("revoke", "lead", "heart")[0]["collaborations"] == []
    assert "no collaboration 'heart' belongs to lead" in asked("revoke", "lead", "heart")
    assert "no Collaboration" in asked("grant", "lead", "lung")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "x", "--role", "owner"), "role: expected one of orchestrator, participant, viewer"),
        (("add", "x", "--role", "viewer", "--participant", "y"), "participant: expected nothing"),
        (("token", "add", "x", "--expires", "soon"), "--expires: expected minutes"),
        (("password", "nobody"), "--password-file: is needed, as nobody can be asked here"),
        (("remove", "nobody"), "there is no account 'nobody'"),
        (("token", "revoke", "x"), "there is no token 'x'"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Any, words: tuple[str, ...], why: str) -> None:
    asked("add", "lead", "--role", "viewer", "--no-password")
    more = ("--no-password",) if words[0] == "add" else ()

    assert why in asked(*words, *more)


def test_a_password_that_would_be_guessed_is_refused(asked: Any, tmp_path: Path) -> None:
    file = tmp_path / "weak"
    file.write_text("secret\n")

    assert "password: expected 12" in asked("add", "lead", "--role", "viewer", "--password-file", str(file))
    assert asked("list") == []


def test_where_there_is_no_record_store_there_are_no_accounts(asked: Any, tmp_path: Path) -> None:
    assert "there is no record store" in asked("list")
    assert not (tmp_path / "records.sqlite").exists()
