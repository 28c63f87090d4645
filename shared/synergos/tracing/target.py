"""Which collector a program's spans go to."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from synergos.errors import InvalidRequest
from synergos.tracing.sender import Say, Sender
from synergos.tracing.tracer import OFF, Tracer

if TYPE_CHECKING:
    from synergos.tracing.otlp import OtlpExport

FLAG, AUTHORITY_FLAG = "--tracing", "--tracing_ca"
_PATH = "/v1/traces"
_EXPECTED = "expected http://HOST:PORT or https://HOST:PORT of a collector that takes OTLP over HTTP, or 'off'"


@dataclass(frozen=True)
class TraceTarget:
    """A collector that takes OTLP over HTTP, or none.

    Attributes:
        url: where spans are posted; None where nobody is told.
        authority: a PEM file of who vouches for it; None for whom the system trusts.
    """

    url: str | None = None
    authority: Path | None = None

    @classmethod
    def read(cls, text: str, authority: Path | None = None) -> TraceTarget:
        """Read ``off``, or a collector's URL; one without a path means its usual one for traces.

        Raises:
            InvalidRequest: it is neither; names the flag.
        """
        if text in ("", "off"):
            return cls(None, authority)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise InvalidRequest(f"{_shown(text)} is no URL: {error}; {_EXPECTED}", FLAG) from None
        if "@" in parts.netloc:
            raise InvalidRequest("expected no user in the URL; OTEL_EXPORTER_OTLP_HEADERS may say who asks", FLAG)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or port == 0:
            raise InvalidRequest(f"{_shown(text)}: {_EXPECTED}", FLAG)
        path = parts.path.rstrip("/") or _PATH
        return cls(parts._replace(path=path).geturl(), authority)

    def check(self) -> None:
        """See that spans could be sent there.

        Raises:
            InvalidRequest: the host has no address, the file of authorities is none, or what sends spans is not installed; names the flag.
        """
        if self.url is None:
            if self.authority is not None:
                raise InvalidRequest(f"has no effect without {FLAG}", AUTHORITY_FLAG)
            return
        parts = urlsplit(self.url)
        if self.authority is not None:
            self._check_authority(self.authority, parts.scheme)
        host = parts.hostname or ""
        try:
            socket.getaddrinfo(host, parts.port or parts.scheme, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise InvalidRequest(f"the host {host!r} has no address", FLAG) from None
        _exporter_class()

    @staticmethod
    def _check_authority(file: Path, scheme: str) -> None:
        if scheme != "https":
            raise InvalidRequest(f"has no effect on a collector that is spoken to by {scheme}", AUTHORITY_FLAG)
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError:
            raise InvalidRequest(f"{file} holds no certificates in PEM", AUTHORITY_FLAG) from None
        except OSError as error:
            raise InvalidRequest(f"{file} cannot be read: {error.strerror}", AUTHORITY_FLAG) from None

    def tracer(self, component: str, component_id: str, say: Say) -> Tracer:
        """What takes the spans of this process, with a thread of its own where there is a collector.

        Args:
            component: which program this is: ``director``, ``ttp`` or ``worker``.
            component_id: what it is called.
            say: see :class:`synergos.tracing.sender.Sender`.
        """
        if self.url is None:
            return OFF
        return Sender(_exporter_class()(self.url, self.authority, component, component_id), say)


NO_TARGET = TraceTarget()


def _exporter_class() -> type[OtlpExport]:
    # Here, as nothing of it is to be imported where no collector was named.
    try:
        from synergos.tracing.otlp import OtlpExport
    except ModuleNotFoundError as error:
        raise InvalidRequest(
            f"what sends spans is not installed ({error.name}): pip install 'synergos[traces]'", FLAG
        ) from None
    return OtlpExport


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:100]}…")
