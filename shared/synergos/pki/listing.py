"""What a list of revocations is called in a folder where OpenSSL (``rehash``) or Erlang, and so RabbitMQ, looks for it by who has signed it."""

from __future__ import annotations

from hashlib import sha1

from cryptography import x509

SUFFIX = ".r0"


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
