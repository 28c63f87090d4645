"""Certificates for servers of tests, and an authority that signs them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class ServerCertificate:
    """What a server shows who it is with: PEM files of its certificate, its key, and who signed it."""

    certificate: Path
    key: Path
    authority: Path


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
        authority = cls(folder, _named("Authority of the tests"), ec.generate_private_key(ec.SECP256R1()))
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
        identity.certificate.write_bytes(self._signed(_named("RabbitMQ"), key.public_key(), addresses))
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


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
