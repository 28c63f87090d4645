"""Whom a driver believes by https, and what it shows of itself where that is asked for."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from synergos.driver.errors import UsageError
from synergos.errors import InvalidRequest
from synergos.tls.files import client_context

AUTHORITY_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE = "SYNERGOS_TLS_CA", "SYNERGOS_TLS_CERT", "SYNERGOS_TLS_KEY"


@dataclass(frozen=True)
class Tls:
    """PEM files.

    Attributes:
        authority: who vouches for the orchestrator, and what those have revoked; None for whom the library believes.
        certificate: of this client, for an orchestrator that wants one.
        key: of that certificate.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def of(
        cls, authority: str | Path | None, certificate: str | Path | None = None, key: str | Path | None = None
    ) -> Tls | None:
        """What was said, or else what the environment says; None where nothing is.

        Raises:
            UsageError: a file is not what it is to be.
        """
        said = (authority, certificate, key)
        variables = (AUTHORITY_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
        paths = [one or os.environ.get(variable) for one, variable in zip(said, variables, strict=True)]
        if not any(paths):
            return None
        found = cls(*(None if path is None else Path(path) for path in paths))
        try:
            found.context()
        except InvalidRequest as error:
            raise UsageError(str(error)) from None
        return found

    def context(self) -> ssl.SSLContext:
        """For connections.

        Raises:
            InvalidRequest: a file is not what it is to be.
        """
        return client_context(self.authority, self.certificate, self.key)
