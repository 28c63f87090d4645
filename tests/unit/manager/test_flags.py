"""Where the queue is, on the command line."""

from __future__ import annotations

import argparse
import ssl
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

from synmanager.flags import add_queue_flags, broker_of, usable_broker_of
from synmanager.rabbitmq import Broker

USER, PASSWORD, PASSWORD_FILE = "SYNERGOS_QUEUE_USER", "SYNERGOS_QUEUE_PASSWORD", "SYNERGOS_QUEUE_PASSWORD_FILE"
VIRTUAL_HOST, CERTIFICATES = "SYNERGOS_QUEUE_VIRTUAL_HOST", "SYNERGOS_QUEUE_CERTIFICATES"


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    for name in (USER, PASSWORD, PASSWORD_FILE, VIRTUAL_HOST, CERTIFICATES, "SYNERGOS_QUEUE_TLS"):
        monkeypatch.delenv(name, raising=False)
    parser = argparse.ArgumentParser()
    add_queue_flags(parser)
    return parser


@pytest.mark.parametrize(
    ("flags", "target"),
    [
        (["--queue", "rabbitmq", "172.20.0.16", "5672"], Broker("172.20.0.16")),
        (["-mq", "rabbitmq", "queue", "5673"], Broker("queue", 5673)),
        (["-mq", "rabbitmq", "queue"], Broker("queue")),
        (["-mq", "rabbitmq"], Broker("localhost")),
        (["-mq", "rabbitmq", "--queue-virtual-host", "v"], Broker("localhost", virtual_host="v")),
    ],
)
def test_an_address_is_read(parser: argparse.ArgumentParser, flags: list[str], target: Broker) -> None:
    assert broker_of(parser, parser.parse_args(flags)) == target


def test_access_is_read_and_not_shown(parser: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER, "me")
    monkeypatch.setenv(PASSWORD, "top secret")
    authority = Path(certifi.where())
    given = parser.parse_args(["-mq", "rabbitmq", "--queue_certificates", str(authority)])

    target = broker_of(parser, given)

    assert (target.username, target.password) == ("me", "top secret")
    assert isinstance(target.parameters().ssl_options.context, ssl.SSLContext)
    assert "top secret" not in repr(target)


def test_user_and_password_are_said_by_flags_of_which_none_is_the_password(
    parser: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(USER, "another")
    monkeypatch.setenv(PASSWORD, "another's")
    file = tmp_path / "password"
    file.write_text("from a file\n")
    given = parser.parse_args(["-mq", "rabbitmq", "--queue_user", "ttp", "--queue-password-file", str(file)])

    target = broker_of(parser, given)

    assert (target.username, target.password) == ("ttp", "from a file")


def test_all_of_it_is_said_by_the_environment(
    parser: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("from a file")
    said = {USER: "ttp", PASSWORD_FILE: str(file), VIRTUAL_HOST: "hospitals", CERTIFICATES: certifi.where()}
    for name, value in said.items():
        monkeypatch.setenv(name, value)

    target = broker_of(parser, parser.parse_args(["-mq", "rabbitmq", "queue"]))

    assert target.tls is not None
    assert replace(target, tls=None) == Broker("queue", 5672, "ttp", "from a file", "hospitals")


@pytest.mark.parametrize(
    ("flags", "environment", "authority"),
    [
        (["--queue_tls"], {}, None),
        ([], {"SYNERGOS_QUEUE_TLS": "1"}, None),
        (["--queue-tls", "--queue_certificates", certifi.where()], {}, Path(certifi.where())),
    ],
)
def test_tls_is_spoken_as_the_program_does(
    parser: argparse.ArgumentParser,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    environment: dict[str, str],
    authority: Path | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    own, asked = ssl.create_default_context(), []

    def contexts(named: Path | None) -> ssl.SSLContext:
        asked.append(named)
        return own

    target = broker_of(parser, parser.parse_args(["-mq", "rabbitmq", *flags]), contexts)

    assert [target.parameters().ssl_options.context for _ in range(2)] == [own, own]
    assert asked == [authority] * 2, "a context that is kept would not see that a certificate was renewed"


def test_no_tls_is_spoken_unless_it_is_said(parser: argparse.ArgumentParser) -> None:
    target = broker_of(parser, parser.parse_args(["-mq", "rabbitmq"]))

    assert target.parameters().ssl_options is None


@pytest.mark.parametrize(
    ("flags", "environment", "named"),
    [
        (["-mq", "kafka", "host", "1"], {}, "--queue"),
        (["-mq", "rabbitmq", "host", "port"], {}, "--queue"),
        (["-mq", "rabbitmq", "host", "70000"], {}, "--queue"),
        (["-mq", "rabbitmq", "--queue_certificates", "nowhere.pem"], {}, "--queue_certificates"),
        (["-mq", "rabbitmq", "--queue_certificates", __file__], {}, "--queue_certificates: expected certificates"),
        (["-mq", "rabbitmq"], {USER: "me"}, PASSWORD),
        (["-mq", "rabbitmq"], {"SYNERGOS_QUEUE_TLS": "yes"}, "SYNERGOS_QUEUE_TLS: expected 1 or 0, got 'yes'"),
        (["-mq", "rabbitmq", "--queue_user", "me"], {}, "--queue_password_file"),
        (
            ["-mq", "rabbitmq", "--queue_password_file", "/nowhere"],
            {},
            "--queue_password_file: /nowhere cannot be read",
        ),
        (["-mq", "rabbitmq", "--queue_password_file", "/dev/null"], {}, "expected a password in /dev/null"),
        (
            ["-mq", "rabbitmq", "172.20.0.16"],
            {},
            f"{USER} and {PASSWORD}: the broker on 172.20.0.16 is another machine's",
        ),
        (
            ["-mq", "rabbitmq", "queue"],
            {USER: "guest", PASSWORD: "guest"},
            "guest, may be used from its own machine only",
        ),
    ],
)
def test_what_makes_no_sense_is_named(
    parser: argparse.ArgumentParser,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    environment: dict[str, str],
    named: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        usable_broker_of(parser, parser.parse_args(flags))
    assert named in capsys.readouterr().err


def test_a_broker_on_this_machine_needs_no_user(parser: argparse.ArgumentParser) -> None:
    assert usable_broker_of(parser, parser.parse_args(["-mq", "rabbitmq", "127.0.0.1"])) == Broker("127.0.0.1")
