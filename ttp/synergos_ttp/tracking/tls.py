"""Whom of MLflow's servers this TTP believes, and what it shows them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag
from synergos.tls.files import TlsFiles

if TYPE_CHECKING:
    from synergos.program.program import ProgramSettings

_FLAG = "--mlops_ca"


def add_tracking_tls_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag; :func:`tracking_tls_of` reads it."""
    add_flag(
        parser,
        _FLAG,
        type=Path,
        variable="SYNERGOS_MLOPS_CA",
        metavar="FILE",
        help="who vouches for MLflow servers, by https; default: --tls_ca, else the system's",
    )


def tracking_tls_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, program: ProgramSettings
) -> TlsFiles | None:
    """What the command line says; None where it says nothing. Ends the program with a clear message when that makes no sense."""
    own = TlsFiles() if program.tls is None else program.tls.files
    files = own if given.mlops_ca is None else replace(own, authority=given.mlops_ca)
    if files.authority is None:
        return None
    try:
        files.client()
    except InvalidRequest as error:
        parser.error(str(error).replace("--tls_ca", _FLAG, 1))
    return files


def arguments_of(files: TlsFiles | None) -> list[str]:
    """The same for the process that knows MLflow."""
    return [] if files is None else [str(path) for path in (files.authority, files.certificate, files.key) if path]


def files_of(arguments: list[str]) -> TlsFiles | None:
    """What such arguments say."""
    if not arguments:
        return None
    authority, *shown = map(Path, arguments)
    certificate, key = shown if shown else (None, None)
    return TlsFiles(certificate, key, authority)
