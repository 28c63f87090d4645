"""Which orchestrator a command talks to."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import entry_points
from typing import Annotated
from urllib.parse import urlsplit

import typer

from synergos import Driver
from synergos.errors import InvalidRequest

ORCHESTRATORS = "synergos.orchestrators"
"""Entry points: functions that say where an orchestrator runs on this machine, if they know of one."""
DEFAULT_ADDRESS = "http://127.0.0.1:5000"
ANSWER_TIMEOUT = 60.0
"""Seconds; none of the requests about jobs blocks for longer than it takes to read a record."""

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="SYNERGOS_ADDRESS",
        help="The orchestrator, as http://host:port. Default: the local grid that `synergos grid up` started in this"
        f" folder, else {DEFAULT_ADDRESS}.",
    ),
]


def driver_for(address: str | None) -> Driver:
    """A driver for the orchestrator that is meant; it raises errors.

    Raises:
        InvalidRequest: the address is not one.
    """
    parts = urlsplit(address or _local_grid() or DEFAULT_ADDRESS)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port is None:
        raise InvalidRequest(f"{address!r} is not an address like {DEFAULT_ADDRESS}", "--address")
    return Driver(parts.hostname, port, parts.scheme == "https", timeout=ANSWER_TIMEOUT, raise_errors=True)


def _local_grid() -> str | None:
    """The orchestrator that another package knows to run here."""
    for point in entry_points(group=ORCHESTRATORS):
        # What it needs may be missing where only the driver is installed; then it has started nothing here.
        with suppress(ImportError):
            address: str | None = point.load()()
            if address is not None:
                return address
    return None
