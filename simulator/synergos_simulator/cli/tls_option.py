"""TLS in a grid on this machine: an option of ``synergos grid up`` and ``synergos simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synergos.pki.consortium import LocalConsortium

TlsOption = Annotated[
    bool,
    typer.Option(
        "--tls",
        help="Have all programs speak TLS, each with a certificate of an authority that is made below the folder.",
    ),
]


def consortium_in(folder: Path, wanted: bool) -> LocalConsortium | None:
    """Who gives the programs of a grid in a folder their certificates, where that is wanted."""
    return LocalConsortium(folder / "pki") if wanted else None
