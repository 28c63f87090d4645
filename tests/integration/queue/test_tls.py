"""A RabbitMQ that speaks TLS: who it is gets checked, and one that nobody vouches for is told from one that is away."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers import rabbitmq as rabbitmq_server
from servers.brokers import take
from servers.rabbitmq import RabbitMQ, ServerCertificate
from synergos_simulator.broker import HOST
from synmanager.config import TRAIN
from synmanager.errors import BrokerUnavailable
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker
from synmanager.stream import JobStream
from synmanager.train import TrainConsumerOperator, TrainProducerOperator

JOB = {"process": "train", "keys": ["c", "p", "e", "r"], "grids": [], "parameters": {}}
MANY = 50


@dataclass(frozen=True)
class Authority:
    """Signs certificates; those who are given its own believe them.

    Attributes:
        certificate: its own, a PEM file in ``folder``.
    """

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def founded(cls, folder: Path) -> Authority:
        """A new one, which is known to nobody yet."""
        folder.mkdir()
        authority = cls(folder, named("Authority of the tests"), ec.generate_private_key(ec.SECP256R1()))
        own = authority._signed(authority.name, authority.key.public_key(), x509.BasicConstraints(True, path_length=0))
        authority.certificate.write_bytes(own)
        return authority

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    def server(self, host: str) -> ServerCertificate:
        """A certificate for the server that has this IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        identity = ServerCertificate(self.folder / "server.pem", self.folder / "key.pem", self.certificate)
        identity.certificate.write_bytes(self._signed(named("RabbitMQ"), key.public_key(), addresses))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return identity

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, says: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(says, critical=isinstance(says, x509.BasicConstraints))
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


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
    stream = JobStream(Broker(HOST, secured.tls_port, tls=stranger.certificate))

    assert stream.take(timeout=1) is None

    [said] = [record for record in caplog.records if record.name.startswith("synmanager")]
    assert "certificate verify failed" in said.getMessage()
    assert said.exc_info is None
    stream.close()
