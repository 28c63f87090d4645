from __future__ import annotations

import ssl

import pytest

from synergos.errors import InvalidRequest
from synmanager.broker import Outgoing
from synmanager.errors import BrokerUnavailable, CredentialsNeeded, Interrupted
from synmanager.rabbitmq import Broker


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0"])
def test_on_this_machine_the_brokers_default_user_will_do(host: str) -> None:
    assert Broker(host).parameters().credentials.username == "guest"


@pytest.mark.parametrize("host", ["queue.example.org", "192.0.2.1", "2001:db8::1"])
def test_on_another_machine_it_will_not(host: str) -> None:
    with pytest.raises(CredentialsNeeded, match=f"{host} is another machine's: expected username and password"):
        Broker(host).check()
    with pytest.raises(CredentialsNeeded, match="guest, may be used from its own machine only"):
        Broker(host, username="guest", password="guest", tls=ssl.create_default_context()).check()
    Broker(host, username="synergos", password="secret").check()


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(Broker("localhost", username="synergos", password="secret"))


def test_tls_is_a_context_or_a_file_of_certificates() -> None:
    context = ssl.create_default_context()
    assert Broker("localhost").parameters().ssl_options is None
    options = Broker("localhost", tls=context).parameters().ssl_options
    assert (options.context, options.server_hostname) == (context, "localhost")
    with pytest.raises(FileNotFoundError):
        Broker("localhost", tls="/nowhere/authority.pem").parameters()


def test_a_broker_that_resets_a_connection_while_it_is_made_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(_parameters: object) -> None:
        raise ValueError("Expected connected socket, but getpeername() failed")

    monkeypatch.setattr("pika.BlockingConnection", reset)

    with pytest.raises(BrokerUnavailable, match="no connection to the broker"):
        Broker("localhost").connect()


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("holds no certificates in PEM", "--tls_ca"), FileNotFoundError("it is gone"), ssl.SSLError("half")],
)
def test_tls_files_that_are_just_replaced_are_tried_again_as_a_broker_that_is_away(error: Exception) -> None:
    def half_replaced() -> ssl.SSLContext:
        raise error

    broker = Broker("localhost", tls=half_replaced)
    messages = [Outgoing(f"{number}") for number in range(20)]

    with pytest.raises(BrokerUnavailable, match="no connection to the broker: its TLS files cannot be used"):
        broker.link()
    with pytest.raises(Interrupted) as interrupted:
        broker.pipeline("", "jobs", messages)
    assert list(interrupted.value.unconfirmed) == messages


def test_credentials_that_are_missing_are_not_waited_for() -> None:
    with pytest.raises(CredentialsNeeded):
        Broker("queue.example.org").link()
