"""Flags that say where an orchestrator may connect to when a record says so."""

from __future__ import annotations

import argparse

from synergos.domain.addresses import Places
from synergos.program.destinations import ANY_NODE, Destinations, Listening
from synergos.program.flags import add_flag, refusing

NODES, TRACKING = ANY_NODE.flag, "--allow_mlops"
NO_SERVERS = Destinations(TRACKING, Places())
"""Where no tracking server is allowed."""


def add_destination_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every orchestrator; :func:`nodes_of` and :func:`tracking_servers_of` read them."""
    _add(
        parser,
        NODES,
        "names, addresses and networks where registered workers may be, each with :PORT or without, and nowhere else; default: "
        "any but loopback (unless this program listens there itself), link-local and this program's own",
    )
    _add(
        parser,
        TRACKING,
        "MLflow servers that collaborations may name, each with :PORT or without; default: none",
    )


def nodes_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Destinations:
    """Where workers may be, by the command line; ends the program with a clear message when that makes no sense."""
    listed = given.allow_nodes
    return Destinations(NODES, _places(parser, NODES, listed) if listed else None, Listening(given.host, given.port))


def tracking_servers_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Destinations:
    """Where tracking servers may be, by the command line; ends the program with a clear message when that makes no sense."""
    return Destinations(TRACKING, _places(parser, TRACKING, given.allow_mlops), Listening(given.host, given.port))


def _add(parser: argparse.ArgumentParser, flag: str, what: str) -> None:
    variable = f"SYNERGOS_{flag.removeprefix('--').upper()}"
    add_flag(parser, flag, variable=variable, nargs="+", default=[], metavar="PLACE", help=what)


def _places(parser: argparse.ArgumentParser, flag: str, listed: list[str]) -> Places:
    with refusing(parser, flag):
        return Places.read(listed)
