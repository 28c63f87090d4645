"""The PEM files by which a program speaks TLS, and the contexts they make; no context here believes whom nobody vouches for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from synergos.errors import InvalidRequest

CERTIFICATE_FLAG, KEY_FLAG, AUTHORITY_FLAG, CLIENTS_FLAG = "--tls_cert", "--tls_key", "--tls_ca", "--tls_clients"
_REVOCATIONS = b"-----BEGIN X509 CRL-----"


class Clients(StrEnum):
    """Whether who connects to a program has to show a certificate."""

    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True)
class TlsFiles:
    """What a program shows, and whom it believes.

    Attributes:
        certificate: its own, with those between it and its authority; shown by its ports, and to whoever asks where it connects.
        key: of that certificate.
        authority: certificates of those who may vouch for others, and their lists of what they have revoked; None for whom the
            system believes.
        asks_clients: whether who connects to it has to show a certificate that ``authority`` vouches for.
    """

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    asks_clients: bool = False

    def paths(self) -> Iterator[Path]:
        """All files there are."""
        yield from (path for path in (self.certificate, self.key, self.authority) if path is not None)

    @property
    def is_server(self) -> bool:
        """Whether the program's own ports speak TLS."""
        return self.certificate is not None

    @property
    def has_revocations(self) -> bool:
        """Whether it is known what authorities have revoked."""
        return self.authority is not None and _REVOCATIONS in _read(AUTHORITY_FLAG, self.authority)

    def check(self) -> None:
        """See that the files are what they are to be.

        Raises:
            InvalidRequest: names the flag, and what was expected.
        """
        for flag, path in (
            (CERTIFICATE_FLAG, self.certificate),
            (KEY_FLAG, self.key),
            (AUTHORITY_FLAG, self.authority),
        ):
            if path is not None:
                _read(flag, path)
        if (self.certificate is None) != (self.key is None):
            raise InvalidRequest(f"expected {CERTIFICATE_FLAG} and {KEY_FLAG} together", CERTIFICATE_FLAG)
        if self.asks_clients and self.authority is None:
            raise InvalidRequest("expected a file of those who vouch for clients", AUTHORITY_FLAG)
        if not any(self.paths()):
            # Whom the system believes is a hundred and more certificates, which most programs then never look at.
            return
        self.client()
        if self.is_server:
            self.server()

    def client(self) -> ssl.SSLContext:
        """For connections to others.

        Raises:
            InvalidRequest: a file is not what it is to be.
        """
        context = _believing(ssl.Purpose.SERVER_AUTH, self.authority)
        context.hostname_checks_common_name = False
        self._show(context)
        return context

    def server(self) -> ssl.SSLContext:
        """For connections from others; nothing is sent before it is asked: a ticket would look like the beginning of an answer.

        Raises:
            InvalidRequest: a file is not what it is to be, or there is no certificate.
        """
        if not self.is_server:
            raise InvalidRequest("expected a certificate, to be shown to clients", CERTIFICATE_FLAG)
        context = (
            _believing(ssl.Purpose.CLIENT_AUTH, self.authority)
            if self.asks_clients
            else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.asks_clients:
            context.verify_mode = ssl.CERT_REQUIRED
        # What is taken up again is not verified again.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        self._show(context)
        return context

    def _show(self, context: ssl.SSLContext) -> None:
        if self.certificate is None or self.key is None:
            return
        _read(CERTIFICATE_FLAG, self.certificate)
        _read(KEY_FLAG, self.key)
        try:
            context.load_cert_chain(self.certificate, self.key, _no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InvalidRequest(f"the key in {self.key} is not that of {self.certificate}", KEY_FLAG) from None
            raise InvalidRequest(
                f"expected a certificate in {self.certificate} and its key in {self.key}, in PEM", CERTIFICATE_FLAG
            ) from None


def client_context(
    authority: Path | str | None, certificate: Path | str | None = None, key: Path | str | None = None
) -> ssl.SSLContext:
    """For connections of a program that has no ports of its own, see :class:`TlsFiles`.

    Raises:
        InvalidRequest: a file is not what it is to be.
    """
    shown, own_key, believed = (None if path is None else Path(path) for path in (certificate, key, authority))
    files = TlsFiles(shown, own_key, believed)
    if (files.certificate is None) != (files.key is None):
        raise InvalidRequest(f"expected {CERTIFICATE_FLAG} and {KEY_FLAG} together", CERTIFICATE_FLAG)
    return files.client()


def looks_for_revoked(context: ssl.SSLContext) -> bool:
    """Whether a certificate is looked up in the lists of what was revoked."""
    return ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF in context.verify_flags


def _believing(purpose: ssl.Purpose, authority: Path | None) -> ssl.SSLContext:
    content = b"" if authority is None else _read(AUTHORITY_FLAG, authority)
    try:
        context = ssl.create_default_context(purpose, cafile=authority)
    except ssl.SSLError:
        raise InvalidRequest(f"{authority} holds no certificates in PEM", AUTHORITY_FLAG) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if _REVOCATIONS in content:
        # Of others the library would know no list, and believe nobody.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", flag) from None


def _no_password() -> str:
    raise InvalidRequest("expected a key without a password: nobody is there to type it in", KEY_FLAG)
