"""Where the programs of a grid are told to send what they log: options of ``synergos grid up`` and ``synergos simulate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from synergos.errors import InvalidRequest
from synergos.gelf import Transport
from synergos.program.logs import LogTarget

GRAYLOG = "--graylog"
_SEPARATOR = " "


def graylog(text: str) -> LogTarget:
    """An option's type: ``HOST PORT [SYSMETRIC_PORT]``."""
    try:
        return LogTarget.from_flag(["graylog", *text.split(_SEPARATOR)])
    except InvalidRequest:
        message = f"{text!r} is no log server: expected HOST PORT [SYSMETRIC_PORT], ports from 1 to 65535"
        raise typer.BadParameter(message) from None


GraylogOption = Annotated[
    LogTarget | None,
    typer.Option(
        GRAYLOG,
        parser=graylog,
        metavar="HOST PORT [SYSMETRIC_PORT]",
        help="Log server that every program sends to. Default: what they log goes to files in the grid's folder.",
    ),
]
TransportOption = Annotated[
    Transport | None, typer.Option("--logging-transport", help="How messages travel to the log server. Default: tcp.")
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option("--logging-ca", help="Who vouches for the log server, by tls.", exists=True, dir_okay=False),
]


class TakesGraylog(TyperCommand):
    """A command whose ``--graylog`` takes two values or three, as ``--logging_variant graylog`` of the programs does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, graylog_as_one(args))


def graylog_as_one(arguments: Sequence[str]) -> list[str]:
    """A command line in which all that follows ``--graylog`` up to the next option is one argument, which is all an option can take."""
    taken: list[str] = []
    values: list[str] | None = None
    for argument in [*arguments, "--"]:
        if values is not None and not argument.startswith("-"):
            values.append(argument)
            continue
        if values:
            taken.append(_SEPARATOR.join(values))
        name, _, first = argument.partition("=")
        values = ([first] if first else []) if name == GRAYLOG else None
        taken.append(name if name == GRAYLOG else argument)
    return taken[:-1]


def log_flags(target: LogTarget | None, transport: Transport | None, authority: Path | None) -> list[str]:
    """The flags that every program of a grid is given.

    Raises:
        InvalidRequest: the log server's host has no address, or something has no effect; names the option.
    """
    if target is None:
        for name, value in (("--logging-transport", transport), ("--logging-ca", authority)):
            if value is not None:
                raise InvalidRequest(
                    f"it says how messages travel to a log server, and there is none: name it with {GRAYLOG}", name
                )
        return ["--logging_variant", "basic"]
    if authority is not None and transport is not Transport.TLS:
        raise InvalidRequest(
            "it says who vouches for a log server by TLS: give --logging-transport tls as well", "--logging-ca"
        )
    host, port = target.graylog or ("", 0)
    try:
        target.check()
    except InvalidRequest:
        raise InvalidRequest(f"the host {host!r} has no address", GRAYLOG) from None
    flags = ["--logging_variant", "graylog", host, str(port), str(target.metrics_port)]
    flags += ["--logging_transport", transport] if transport else []
    return flags + (["--logging_ca", str(authority.resolve())] if authority else [])
