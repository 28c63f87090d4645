"""PEM files: keys for their owner alone, and the rest; each written whole or not at all."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from synergos.errors import InvalidRequest

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

_LEAST_RSA, _LEAST_CURVE = 2048, 256
_LARGEST = 2**20


def new_key() -> PrivateKey:
    """A key of P-256, which every program that speaks TLS knows."""
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: PrivateKey) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(path: Path, content: bytes, *, is_secret: bool = False) -> None:
    """Put content into a file: 0600 for a secret, else 0644, whatever the umask says.

    Raises:
        InvalidRequest: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    mode = 0o600 if is_secret else 0o644
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InvalidRequest(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        InvalidRequest: it cannot be read, or is no file of this kind.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise InvalidRequest(f"{path} has more than {_LARGEST} bytes: expected a file in PEM")
    return content


def private_key(path: Path) -> PrivateKey:
    """A key that was made here.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = serialization.load_pem_private_key(read(path), None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise InvalidRequest(f"expected a key in PEM, of an elliptic curve and without a password, in {path}")
    return found


def certificate(content: bytes, where: object) -> x509.Certificate:
    """The first certificate in a file.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError:
        raise InvalidRequest(f"expected a certificate in PEM in {where}") from None


def request(path: Path) -> x509.CertificateSigningRequest:
    """A request, signed by the key it is for.

    Raises:
        InvalidRequest: it is none, or not signed so, or of a key that is too weak.
    """
    try:
        found = x509.load_pem_x509_csr(read(path))
    except ValueError:
        raise InvalidRequest(f"expected a request (CSR) in PEM in {path}") from None
    key = strong(found.public_key())
    if key is None or not found.is_signature_valid:
        raise InvalidRequest(
            f"{path} is no request to be signed: expected one that its own key has signed, of P-256 or stronger, Ed25519, or"
            f" RSA with {_LEAST_RSA} bits or more"
        )
    return found


def strong(key: object) -> PublicKey | None:
    """A public key, if nobody finds the private one to it."""
    is_strong = (
        isinstance(key, ed25519.Ed25519PublicKey)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _LEAST_CURVE)
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA)
    )
    return cast("PublicKey", key) if is_strong else None


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of a public key, in hexadecimal: what people read to each other before a request is signed."""
    return sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()
