"""The flags that turn accounts on, and what the log says of an orchestrator that has them, or has none."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes.people import add_people
from synergos.accounts.flags import Auth, add_auth_flags, auth_of
from synergos.records import RecordStore

ISSUERS = """
[[issuer]]
name = "site"
issuer = "https://login.example"
audience = "urn:synergos"
rule = [{role = "participant", participant = "hospital_1"}, {role = "viewer"}]
"""


def told(*arguments: str) -> Auth:
    parser = argparse.ArgumentParser()
    add_auth_flags(parser)
    return auth_of(parser, parser.parse_args(arguments))


def logged(auth: Auth, store: RecordStore, *, in_the_clear: bool = False) -> list[str]:
    with capture_logs() as lines:
        auth.sign_in(store, in_the_clear=in_the_clear)
    return [line["event"] for line in lines if line["log_level"] == "warning"]


@pytest.mark.parametrize(
    ("arguments", "variable", "is_on"),
    [
        ((), "", False),
        ((), "on", True),
        (("--auth",), "", True),
        (("--auth", "off"), "on", False),
        (("--auth", "on"), "", True),
    ],
)
def test_accounts_are_turned_on_by_flag_or_environment(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], variable: str, is_on: bool
) -> None:
    monkeypatch.setenv("SYNERGOS_AUTH", variable)

    assert told(*arguments).is_on is is_on


@pytest.mark.parametrize(
    ("arguments", "variable", "why"),
    [
        ((), "yes", "SYNERGOS_AUTH: expected on or off"),
        (("--auth", "maybe"), "", "invalid choice"),
        (("--auth_issuers", "issuers.toml"), "", "--auth_issuers: has no effect without --auth"),
        (("--auth", "--auth_issuers", "none.toml"), "", "none.toml: cannot be read"),
    ],
)
def test_what_makes_no_sense_ends_the_program(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    variable: str,
    why: str,
) -> None:
    monkeypatch.setenv("SYNERGOS_AUTH", variable)

    with pytest.raises(SystemExit):
        told(*arguments)
    assert why in capsys.readouterr().err


def test_participants_of_issuers_have_accounts_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(ISSUERS)

    assert told("--auth", "--auth_issuers", str(file)).bound == {"hospital_1"}


def test_the_log_says_loudly_that_there_are_none(store: RecordStore) -> None:
    [line] = logged(Auth(), store)

    assert "whoever reaches this port may read, change and delete everything" in line


def test_the_log_says_that_nobody_can_sign_in_yet_and_that_passwords_are_not_hidden(store: RecordStore) -> None:
    clear, nobody = logged(Auth(is_on=True), store, in_the_clear=True)

    assert "have it speak TLS" in clear
    assert "there is no account yet" in nobody
    add_people(store, "lead")
    assert logged(Auth(is_on=True), store) == []
