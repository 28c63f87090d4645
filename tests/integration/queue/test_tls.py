"""A RabbitMQ that speaks TLS: who it is gets checked, and one that nobody vouches for is told from one that is away."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from servers import rabbitmq as rabbitmq_server
from servers.brokers import take
from servers.certificates import Authority
from servers.rabbitmq import RabbitMQ
from support.waiting import until
from synergos.pki.consortium import LocalConsortium
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured
from synergos_simulator.broker import HOST, broker_command, takes_connections
from synergos_simulator.grid import FreePorts
from synmanager.config import TRAIN
from synmanager.errors import BrokerUnavailable
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker
from synmanager.stream import JobStream
from synmanager.train import TrainConsumerOperator, TrainProducerOperator

JOB = {"process": "train", "keys": ["c", "p", "e", "r"], "grids": [], "parameters": {}}
MANY = 50


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.founded(tmp_path_factory.mktemp("known") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority with the same name that did not sign the server's certificate."""
    return Authority.founded(tmp_path_factory.mktemp("unknown") / "authority")


@pytest.fixture(scope="module")
def secured(authority: Authority) -> Iterator[RabbitMQ]:
    if not rabbitmq_server.is_installed():
        pytest.skip("RABBITMQ WITH TLS IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    with rabbitmq_server.running(authority.server(HOST)) as server:
        yield server


def test_jobs_go_there_and_back_over_tls(secured: RabbitMQ, authority: Authority) -> None:
    broker = Broker(HOST, secured.tls_port, tls=authority.certificate)
    publisher, stream = Publisher(broker), JobStream(broker)
    publisher.publish(TRAIN, [JOB])

    delivery = take(stream)
    delivery.acknowledge()

    assert delivery.message == JOB
    stream.close()
    publisher.close()


def test_operators_pass_on_the_authority_one_by_one_and_many_together(secured: RabbitMQ, authority: Authority) -> None:
    place = {"host": HOST, "port": secured.tls_port, "tls": str(authority.certificate)}
    producer, consumer = TrainProducerOperator(**place), TrainConsumerOperator(**place)  # type: ignore[arg-type]
    producer.connect()
    consumer.connect()
    producer.process(**JOB)
    producer.process_many([JOB] * MANY)

    assert consumer.check_message_count() == 1 + MANY
    consumer.delete()
    producer.disconnect()
    consumer.disconnect()


def test_a_broker_that_an_unknown_authority_vouches_for_is_refused(secured: RabbitMQ, stranger: Authority) -> None:
    broker = Broker(HOST, secured.tls_port, tls=stranger.certificate)

    with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
        broker.link()


def test_a_broker_whose_certificate_is_for_another_host_is_refused(secured: RabbitMQ, authority: Authority) -> None:
    broker = Broker("localhost", secured.tls_port, tls=authority.certificate)

    with pytest.raises(BrokerUnavailable, match=r"certificate verify failed: .*localhost"):
        broker.link()


def test_a_port_that_speaks_no_tls_is_refused(secured: RabbitMQ, authority: Authority) -> None:
    with pytest.raises(BrokerUnavailable, match="no connection to the broker: SSL"):
        Broker(HOST, secured.port, tls=authority.certificate).link()


def test_who_waits_for_a_broker_that_nobody_vouches_for_says_why_once(
    secured: RabbitMQ, stranger: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[int] = []

    def context() -> ssl.SSLContext:
        tried.append(len(tried))
        return ssl.create_default_context(cafile=stranger.certificate)

    stream = JobStream(Broker(HOST, secured.tls_port, tls=context))

    # The third attempt is begun when the two before have failed.
    until(lambda: len(tried) == 3, "it to be tried again")
    assert stream.take(timeout=0.05) is None

    [said] = [record for record in caplog.records if record.name.startswith("synmanager")]
    assert "certificate verify failed" in said.getMessage()
    assert said.exc_info is None
    stream.close()


def test_a_broker_that_asks_for_certificates_is_shown_the_programs_own(tmp_path: Path) -> None:
    if not rabbitmq_server.is_installed():
        pytest.skip("RABBITMQ WITH TLS IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    consortium = LocalConsortium(tmp_path / "pki", (HOST,))
    own = Secured(TlsFiles(*consortium.files("director")))
    free_port = FreePorts()
    port = free_port()
    command = broker_command(tmp_path / "broker", port, free_port, has_roles=False, tls=consortium.files("rabbitmq"))
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "RUNNING_UNDER_SYSTEMD": "true"},
    ) as process:
        try:
            until(lambda: takes_connections(port, own.client()), "RabbitMQ to answer")
            broker = Broker(HOST, port, tls=own.client)
            publisher, stream = Publisher(broker), JobStream(broker)
            publisher.publish(TRAIN, [JOB])
            delivery = take(stream)
            delivery.acknowledge()
            assert delivery.message == JOB
            stream.close()
            publisher.close()
            with pytest.raises(BrokerUnavailable):
                Broker(HOST, port, tls=TlsFiles(authority=consortium.authority.believed).client).link()
            with pytest.raises(BrokerUnavailable):
                Broker(HOST, port).link()
            revoked = Broker(HOST, port, tls=Secured(TlsFiles(*consortium.files("ttp"))).client)
            revoked.link().close()
            consortium.authority.revoke("ttp")
            with pytest.raises(BrokerUnavailable, match="revoked"):
                revoked.link()
            broker.link().close()
            consortium.authority.revoke("rabbitmq")
            with pytest.raises(BrokerUnavailable, match="certificate revoked"):
                Broker(HOST, port, tls=TlsFiles(authority=consortium.authority.believed).client).link()
        finally:
            helpers = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for helper in helpers:
                with suppress(psutil.NoSuchProcess):
                    helper.kill()
