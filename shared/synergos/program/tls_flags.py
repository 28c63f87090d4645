"""How a program speaks TLS, as its command line says, and its end when that makes no sense."""

from __future__ import annotations

import argparse

from synergos.errors import InvalidRequest
from synergos.program.flags import refusing
from synergos.tls.files import CERTIFICATE_FLAG, CLIENTS_FLAG, KEY_FLAG, Clients, TlsFiles
from synergos.tls.secured import Secured


def check_tls(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """End the program with a clear message when its flags make no sense together, or a file is not what it is to be."""
    with refusing(parser):
        files = _files_of(given)
        files.check()


def secured_by(given: argparse.Namespace) -> Secured | None:
    """How a program speaks TLS; None where it does not."""
    files = _files_of(given)
    return Secured(files) if any(True for _ in files.paths()) else None


def _files_of(given: argparse.Namespace) -> TlsFiles:
    usual = given.tls_asks_clients and given.tls_ca is not None and given.tls_cert is not None
    asks = usual if given.tls_clients is None else given.tls_clients is Clients.REQUIRED
    if asks and given.tls_cert is None:
        raise InvalidRequest(
            f"expected {CERTIFICATE_FLAG} and {KEY_FLAG} too: plain HTTP asks nobody for a certificate", CLIENTS_FLAG
        )
    return TlsFiles(given.tls_cert, given.tls_key, given.tls_ca, asks)
