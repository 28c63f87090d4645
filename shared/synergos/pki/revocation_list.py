"""The list of what an authority has revoked (RFC 5280), and the name of its file.

OpenSSL (``rehash``) and Erlang, and so RabbitMQ, look for it in a folder by who has signed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from synergos.pki import pem
from synergos.pki.certificates import Period
from synergos.pki.issued import Issued

SUFFIX = ".r0"


class Reason(StrEnum):
    """Why a certificate is revoked, in the words of RFC 5280."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"


_FLAGS = {
    Reason.UNSPECIFIED: x509.ReasonFlags.unspecified,
    Reason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    Reason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    Reason.SUPERSEDED: x509.ReasonFlags.superseded,
    Reason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
}


def revocation_list(
    issued: Iterable[Issued], holds: Period, issuer: x509.Name, signing: pem.PrivateKey
) -> x509.CertificateRevocationList:
    """Those that were revoked of all that an authority has signed.

    Its number grows with each certificate that is signed or revoked.
    """
    builder = x509.CertificateRevocationListBuilder(issuer, *holds)
    number = 0
    for each in issued:
        number += 1
        if each.revoked is not None:
            number += 1
            builder = builder.add_revoked_certificate(_revoked(each, each.revoked))
    return (
        builder.add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )


def _revoked(issued: Issued, at: str) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(int(issued.serial, 16), datetime.fromisoformat(at))
    reason = Reason(issued.reason or Reason.UNSPECIFIED)
    if reason is not Reason.UNSPECIFIED:
        builder = builder.add_extension(x509.CRLReason(_FLAGS[reason]), critical=False)
    return builder.build()


def name_of(issuer: x509.Name) -> str:
    """The name of its file: eight hexadecimal digits of the issuer's name, written in one way only, and a suffix.

    Args:
        issuer: of attributes that are kept as UTF-8, as a common name is.
    """
    plain = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(each.oid, _plain(str(each.value))) for each in together])
            for together in issuer.rdns
        ]
    ).public_bytes()
    # Without what says that it is a sequence, and how long: of more than 127 bytes by as many bytes as the length's first one tells.
    content = plain[2 if plain[1] < 0x80 else 2 + (plain[1] & 0x7F) :]
    digest = sha1(content, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}{SUFFIX}"


def _plain(text: str) -> str:
    """Without capitals of ASCII, and blanks that follow another."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in " ".join(text.split()))
