"""Where the queue is, on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import certifi
import pytest

from synmanager.flags import add_queue_flags, broker_of, usable_broker_of
from synmanager.rabbitmq import Broker

USER, PASSWORD = "SYNERGOS_QUEUE_USER", "SYNERGOS_QUEUE_PASSWORD"


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    for name in (USER, PASSWORD):
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

    assert (target.username, target.password, target.tls) == ("me", "top secret", authority)
    assert "top secret" not in repr(target)


@pytest.mark.parametrize(
    ("flags", "environment", "named"),
    [
        (["-mq", "kafka", "host", "1"], {}, "--queue"),
        (["-mq", "rabbitmq", "host", "port"], {}, "--queue"),
        (["-mq", "rabbitmq", "host", "70000"], {}, "--queue"),
        (["-mq", "rabbitmq", "--queue_certificates", "nowhere.pem"], {}, "--queue_certificates"),
        (["-mq", "rabbitmq", "--queue_certificates", __file__], {}, "--queue_certificates: expected certificates"),
        (["-mq", "rabbitmq"], {USER: "me"}, PASSWORD),
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
