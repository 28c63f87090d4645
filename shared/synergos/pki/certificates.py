"""The certificates that an authority signs: its own, and others', as X.509 has them (RFC 5280)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from synergos.errors import InvalidRequest
from synergos.pki import pem
from synergos.pki.names import Names

Period = tuple[datetime, datetime]
"""From when until when a certificate holds, in UTC."""

BEFORE = timedelta(hours=1)
"""So long before it was made a certificate begins to hold: clocks differ."""
_MOST_DAYS = 36_500


def period(now: datetime, days: int) -> Period:
    """For how long a certificate holds that is made now.

    Raises:
        InvalidRequest: nobody is believed for so many days.
    """
    if not 0 < days <= _MOST_DAYS:
        raise InvalidRequest(f"expected days between 1 and {_MOST_DAYS}, got {days}", "days")
    return now - BEFORE, now + timedelta(days=days)


def of_authority(consortium: str, key: pem.PrivateKey, holds: Period) -> x509.Certificate:
    """Its own, which it signs itself: it vouches for others, and none of those for anybody."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, consortium)])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), *holds)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def of_program(
    names: Names, key: pem.PublicKey, holds: Period, issuer: x509.Name, signing: pem.PrivateKey
) -> x509.Certificate:
    """Somebody's, for the names and uses that they have.

    Args:
        key: theirs.
        signing: the issuer's.
    """
    builder = (
        x509.CertificateBuilder(issuer, names.subject(), key, x509.random_serial_number(), *holds)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(names.extended_key_usage, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    if names.subject_alternatives is not None:
        builder = builder.add_extension(names.subject_alternatives, critical=False)
    return builder.sign(signing, hashes.SHA256())


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
