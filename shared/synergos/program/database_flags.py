"""The flags that say where the record store is and who vouches for its server."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import structlog

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag
from synergos.program.program import ProgramSettings
from synergos.records.secured_url import is_postgresql, refuse_useless_authority, secured_url, verifies
from synergos.tls.files import TlsFiles

log = structlog.get_logger(__name__)

_AUTHORITY_FLAG = "--database_ca"


def add_database_flags(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the flags; :func:`database_of` reads them."""
    add_flag(parser, "--database", help=what)
    add_flag(
        parser,
        _AUTHORITY_FLAG,
        type=Path,
        variable="SYNERGOS_DATABASE_CA",
        metavar="FILE",
        help="who vouches for a PostgreSQL server, which is then spoken to by TLS alone; default: --tls_ca",
    )


def database_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, program: ProgramSettings, folder: Path
) -> str:
    """The URL of the record store; ends the program with a clear message when the flags make no sense.

    Args:
        folder: where its file is, unless another place is said.
    """
    url = given.database or f"sqlite:///{folder / 'records.sqlite'}"
    own = TlsFiles() if program.tls is None else program.tls.files
    try:
        if given.database_ca is not None:
            refuse_useless_authority(url, _AUTHORITY_FLAG)
            own = replace(own, authority=given.database_ca)
            own.client()
        if not is_postgresql(url) or own.authority is None:
            return str(url)
        url = secured_url(url, own)
    except InvalidRequest as error:
        parser.error(str(error).replace("--tls_ca", _AUTHORITY_FLAG, 1) if given.database_ca else str(error))
    if not verifies(url):
        log.warning("who the database is, is not verified: its URL says sslmode; expected verify-full, or none")
    return str(url)
