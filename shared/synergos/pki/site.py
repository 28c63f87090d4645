"""What a site does of its own: make a key, which stays where it is made, and ask for a certificate."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from synergos.errors import Conflict
from synergos.pki import pem
from synergos.pki.names import Names


def make_request(folder: Path, names: Names) -> tuple[Path, Path, str]:
    """Make ``<name>.key`` and ``<name>.csr`` in a folder; a key that is there is used again.

    Returns:
        Where the key and the request are, and the fingerprint of the key.

    Raises:
        Conflict: what is there is no key of its owner alone.
        InvalidRequest: they cannot be written.
    """
    key_file, request_file = folder / f"{names.name}.key", folder / f"{names.name}.csr"
    if key_file.exists():
        if key_file.stat().st_mode & 0o077:
            raise Conflict(f"{key_file} may be read by others than its owner: expected mode 0600, or another --folder")
        key = pem.private_key(key_file)
    else:
        key = pem.new_key()
        pem.write(key_file, pem.pem_of(key), is_secret=True)
    builder = x509.CertificateSigningRequestBuilder(names.subject()).add_extension(
        names.extended_key_usage, critical=False
    )
    if names.subject_alternatives is not None:
        builder = builder.add_extension(names.subject_alternatives, critical=False)
    request = builder.sign(key, hashes.SHA256())
    pem.write(request_file, request.public_bytes(serialization.Encoding.PEM))
    return key_file, request_file, pem.fingerprint(key.public_key())
